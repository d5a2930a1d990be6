package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"kith/internal/counter"
	"kith/server/calls"
)

// startRelay opens the ports of the relay for calls, UDP and TCP; nil if it is off.
func startRelay(ctx context.Context, p parts) (*calls.Relay, error) {
	addr := p.options.listen.TURN
	if !addr.Enabled() {
		return nil, nil
	}
	var lc net.ListenConfig
	udp, err := lc.ListenPacket(ctx, "udp4", string(addr))
	if err != nil {
		return nil, turnError(string(addr), err)
	}
	// TCP at the port that UDP got, which differs from the option where that says 0.
	tcp, err := lc.Listen(ctx, "tcp4", udp.LocalAddr().String())
	if err != nil {
		return nil, errors.Join(turnError(string(addr), err), udp.Close())
	}
	return calls.NewRelay(calls.Listen{UDP: udp, TCP: tcp}, p.data.domain, p.clock, p.log, counter.New("turn_refused"), p.options.turn)
}

func turnError(addr string, err error) error {
	return fmt.Errorf("cannot listen at %s for calls: %w; choose another address with --turn, or --turn off", addr, reasonOf(err))
}

// reasonOf is why listening failed, without the address.
func reasonOf(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
