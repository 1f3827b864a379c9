package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"daftar/jose"
)

// openKeys opens the key store alone: no database is needed to print a
// certificate.
func openKeys(c *Config) (*store, error) {
	dir := c.stateDir()
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, fmt.Errorf("cannot use the state directory %s (set DAFTAR_STATE_DIR): %w", dir, err)
	}
	keys, err := jose.OpenStore(filepath.Join(dir, "keys"))
	return &store{keys: keys}, err
}

func printAuthority(c *Config, name, commonName string) error {
	s, err := openKeys(c)
	if err != nil {
		return err
	}
	authority, err := s.keys.Authority(name, commonName, time.Now())
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(authority.PEM())
	return err
}
