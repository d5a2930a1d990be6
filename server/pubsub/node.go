package pubsub

import (
	"context"
	"errors"
	"time"

	"kith/internal/jid"
)

// Access says who may subscribe to a node and read its items (XEP-0060 section 4.5).
type Access string

// The access models.
const (
	Open      Access = "open"
	Presence  Access = "presence"
	Roster    Access = "roster"
	Whitelist Access = "whitelist"
)

// Affiliation of somebody else with a node (XEP-0060 section 4.1). The account itself is the owner.
type Affiliation string

// The affiliations.
const (
	NoAffiliation Affiliation = "none"
	Owner         Affiliation = "owner"
	Publisher     Affiliation = "publisher"
	Member        Affiliation = "member"
	Outcast       Affiliation = "outcast"
)

// Node is one node of an account, without its items.
type Node struct {
	Name         string
	Config       NodeConfig
	Affiliations map[jid.JID]Affiliation
	// Subscribers are those who subscribed by a request, as the JID they gave.
	Subscribers map[jid.JID]struct{}
}

// NodeConfig is the configuration of a node; the fields are those of XEP-0060 section 16.4.4.
type NodeConfig struct {
	Access       Access
	PublishModel string // publishers, subscribers, open
	Persist      bool
	MaxItems     int
	// SendLast is never, on_sub or on_sub_and_presence.
	SendLast             string
	DeliverNotifications bool
	DeliverPayloads      bool
	NotifyRetract        bool
	NotifyDelete         bool
	NotifyConfig         bool
	// MessageType of notifications: headline or normal.
	MessageType string
	Groups      []string
	Title       string
	Description string
	// Type is the namespace of the payload.
	Type string
}

// DefaultNode is the configuration that XEP-0163 section 5 prescribes.
func DefaultNode() NodeConfig {
	return NodeConfig{
		Access: Presence, PublishModel: "publishers", Persist: true, MaxItems: 1, SendLast: "on_sub_and_presence",
		DeliverNotifications: true, DeliverPayloads: true, NotifyRetract: true, NotifyDelete: true, MessageType: "headline",
	}
}

// Item is one published item.
type Item struct {
	ID        string
	Publisher jid.JID
	At        time.Time
	// Payload is XML that stands alone; "" for none.
	Payload string
}

// ErrFull means that a node would hold more than it may.
var ErrFull = errors.New("pubsub: the node is full")

// Store keeps nodes and items. An account is named by its localpart. All methods return when the
// change is durable.
type Store interface {
	// Nodes are the nodes of an account in the order of their creation.
	Nodes(ctx context.Context, account string) ([]*Node, error)
	// SaveNode creates the node or replaces its configuration, affiliations and subscribers.
	SaveNode(ctx context.Context, account string, n *Node) error
	// Subscribe notes that somebody has subscribed to a node, or does so no longer.
	Subscribe(ctx context.Context, account, node string, who jid.JID, subscribed bool) error
	// DeleteNode removes the node and its items.
	DeleteNode(ctx context.Context, account, node string) error
	// Publish stores the item, in the place of one with the same id, as the newest one, and drops
	// the oldest beyond max. The node is created first if create is set. If the payloads would be more
	// than so many bytes it is [ErrFull], and nothing is changed; small ones are let in for a while
	// beyond that.
	Publish(ctx context.Context, account string, n *Node, create bool, item Item, max int, bytes int64) error
	// Retract removes items and gives the ids of those that were there.
	Retract(ctx context.Context, account, node string, ids []string) ([]string, error)
	// Purge removes all items of a node.
	Purge(ctx context.Context, account, node string) error
	// Trim drops the oldest items beyond max.
	Trim(ctx context.Context, account, node string, max int) error
	// Items are items by id, or the newest limit ones (all if it is negative), oldest first.
	Items(ctx context.Context, account, node string, ids []string, limit int) ([]Item, error)
}
