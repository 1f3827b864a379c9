package settings

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// Live is a process's copy of the settings, for what surrounds every page. The
// database says when it changes; pages that reckon with days of law read the
// settings in their own transaction (registry.LoadSettings).
type Live struct {
	db       *db.DB
	messages *i18n.Bundle
	now      atomic.Pointer[registry.Settings]
	reading  sync.Mutex
}

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// NewLive reads the settings for the first time and has the messages speak by
// them.
func NewLive(ctx context.Context, d *db.DB, messages *i18n.Bundle) (*Live, error) {
	l := &Live{db: d, messages: messages}
	return l, l.Refresh(ctx)
}

// Settings are the settings as last read; those of a country that has said
// nothing for no copy at all.
func (l *Live) Settings() *registry.Settings {
	if l == nil {
		return registry.DefaultSettings()
	}
	return l.now.Load()
}

// Refresh reads them again, for the process in which they were changed; others
// are told by the database.
func (l *Live) Refresh(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	var s *registry.Settings
	if err := l.db.View(ctx, worker, func(tx db.Tx) (err error) { s, err = registry.LoadSettings(tx); return err }); err != nil {
		return err
	}
	if old := l.now.Load(); old != nil && old.Version() >= s.Version() {
		return nil
	}
	setup, err := s.Setup()
	if err != nil {
		return err
	}
	l.messages.Configure(setup)
	l.now.Store(s)
	return nil
}

// every is how often the settings are looked at without being told to.
const every = 5 * time.Second

// Follow keeps the copy current until ctx ends.
func (l *Live) Follow(ctx context.Context, failed func(error)) {
	l.db.Listen(ctx, db.Jobs, "daftar_settings", every, l.Refresh, failed)
}
