package main

import (
	"os"
	"path/filepath"
	"time"

	"daftar/jose"
)

// openKeys opens the key store alone: no database is needed to print a
// certificate.
func openKeys(c *Config) (*store, error) {
	keys, err := jose.OpenStore(filepath.Join(c.stateDir(), "keys"))
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
