package server

import (
	"context"
	"encoding/json"
	"fmt"

	"kith/internal/jid"
	"kith/server/c2s"
	"kith/server/store"
)

// settingEnded holds the sessions that ended with the last run, so that a client which tries to
// resume one is told what the server had taken of it (XEP-0198 section 5).
const settingEnded = "c2s.ended"

type endedSession struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	H       uint32 `json:"h"`
}

// saveEnded keeps them for the next run.
func saveEnded(ctx context.Context, db *store.DB, all []c2s.Ended) error {
	out := make([]endedSession, len(all))
	for i, e := range all {
		out[i] = endedSession{e.ID, e.Account.String(), e.H}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("server: ended sessions: %w", err)
	}
	return db.SetSetting(ctx, settingEnded, string(text))
}

// loadEnded reads them and forgets them: after a crash, older numbers would be wrong.
func loadEnded(ctx context.Context, db *store.DB) ([]c2s.Ended, error) {
	text, ok, err := db.Setting(ctx, settingEnded)
	if err != nil || !ok || text == "" {
		return nil, err
	}
	if err := db.SetSetting(ctx, settingEnded, ""); err != nil {
		return nil, err
	}
	var in []endedSession
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, fmt.Errorf("server: ended sessions: %w", err)
	}
	out := make([]c2s.Ended, 0, len(in))
	for _, e := range in {
		if j, err := jid.Parse(e.Account); err == nil {
			out = append(out, c2s.Ended{ID: e.ID, Account: j, H: e.H})
		}
	}
	return out, nil
}
