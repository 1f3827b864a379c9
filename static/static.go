// Package static holds the built style sheets and script (tools/assets builds
// them; they are committed so that a Go build needs no Node).
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"mime"
	"path"
	"strings"
)

//go:embed *.css *.js *.svg
var files embed.FS

// Asset is one file, ready to send.
type Asset struct {
	Type  string
	Plain []byte
	Gzip  []byte
	hash  string
}

// Assets holds every file by name.
type Assets map[string]Asset

// Load reads and compresses the files.
func Load() Assets {
	assets := Assets{}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // embedded
	}
	for _, e := range entries {
		b, err := files.ReadFile(e.Name())
		if err != nil {
			panic(err) // embedded
		}
		var packed bytes.Buffer
		w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		_, _ = w.Write(b)
		_ = w.Close()
		sum := sha256.Sum256(b)
		assets[e.Name()] = Asset{
			Type: mime.TypeByExtension(path.Ext(e.Name())), Plain: b, Gzip: packed.Bytes(),
			hash: base64.RawURLEncoding.EncodeToString(sum[:9]),
		}
	}
	return assets
}

// Prefix is the first part of every asset's address.
const Prefix = "/assets/"

// URL is an asset's address. It names the content, so that it may be kept for
// ever and a new version is fetched at once.
func (a Assets) URL(name string) string { return Prefix + a[name].hash + "/" + name }

// Find returns the asset at an address.
func (a Assets) Find(address string) (Asset, bool) {
	hash, name, _ := strings.Cut(strings.TrimPrefix(address, Prefix), "/")
	asset, ok := a[name]
	return asset, ok && asset.hash == hash
}
