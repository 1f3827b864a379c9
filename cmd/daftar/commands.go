package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"daftar/admin"
	"daftar/db"
	"daftar/demo"
	"daftar/fault"
	"daftar/i18n"
	"daftar/issuer"
	"daftar/locales"
	"daftar/portal"
	portalcredentials "daftar/portal/credentials"
	"daftar/registry"
	"daftar/registry/credentials"
	"daftar/web"
)

type offerCmd struct {
	Person string `required:"" help:"Public reference of the person, or a name of the demo."`
	Type   string `required:"" help:"Credential type, such as household-registration."`
	Grant  string `enum:"pre-authorized,authorization_code" default:"pre-authorized" help:"pre-authorized, or authorization_code."`
}

// Run prints the offer's address and, on a second line, its transaction code.
func (cmd offerCmd) Run(ctx context.Context, c *Config) error {
	if _, ok := credentials.Builtin(cmd.Type); !ok {
		var names []string
		for _, t := range credentials.Types() {
			names = append(names, t.ID)
		}
		return usageError{fmt.Errorf("there is no credential type %q; the types are %s", cmd.Type, strings.Join(names, ", "))}
	}
	if cmd.Grant != "pre-authorized" {
		return errors.New("offers with grant authorization_code cannot be made yet; use --grant pre-authorized")
	}
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	key, err := s.keys.Secret(offerSecret)
	if err != nil {
		return err
	}
	codes := credentials.Codes{Key: key}
	var offer credentials.Offer
	err = s.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		person, err := findPerson(tx, cmd.Person)
		if fault.Is(err, fault.NotFound) {
			return fmt.Errorf("there is no person %q in the registry", cmd.Person)
		}
		if err != nil {
			return err
		}
		offer, err = credentials.Make(tx, person, cmd.Type, credentials.ChannelCounter, codes)
		return err
	})
	if err != nil {
		return err
	}
	origin, err := s.issuerOrigin(ctx, c)
	if err != nil {
		return err
	}
	fmt.Println(portalcredentials.OfferLink(origin, offer.Ref))
	fmt.Println(codes.Tx(offer.Ref))
	return nil
}

// findPerson reads a public reference, or a name of the demo's cast.
func findPerson(tx db.Tx, who string) (db.ID, error) {
	if ref, ok := registry.ParseRef(registry.RefPerson, who); ok {
		var id db.ID
		err := tx.Get(&id, `select id from person where ref = $1`, ref)
		return id, err
	}
	return demo.Person(tx, who)
}

type keysCmd struct {
	List    keysList    `cmd:"" help:"List the keys."`
	Root    keysRoot    `cmd:"" help:"Print the root certificate that verifiers trust."`
	TLSCA   keysTLSCA   `cmd:"" name:"tls-ca" help:"Print the certificate of the development TLS authority."`
	Rotate  keysRotate  `cmd:"" help:"Make new class keys and wrap all data keys under them, while everything is served."`
	Used    keysUsed    `cmd:"" help:"Say how many data keys are under which class key."`
	Dump    keysDump    `cmd:"" help:"Write the data keys to stdout, wrapped: the part of a backup that is kept apart."`
	Restore keysRestore `cmd:"" help:"Read data keys from stdin that dump wrote."`
}

type keysList struct{}

// Run names the keys and never their content.
func (keysList) Run(c *Config) error {
	s, err := openKeys(c)
	if err != nil {
		return err
	}
	names, err := s.keys.Names()
	for _, n := range names {
		fmt.Println(n)
	}
	return err
}

type keysRoot struct{}

// Run prints the trust anchor.
func (keysRoot) Run(c *Config) error { return printAuthority(c, rootKey, "Daftar root") }

type keysTLSCA struct{}

// Run prints the TLS authority.
func (keysTLSCA) Run(c *Config) error {
	return printAuthority(c, "tls-ca", "Daftar development authority")
}

type statusCmd struct {
	Publish statusPublish `cmd:"" help:"Sign every status list that is not up to date."`
}

type statusPublish struct{}

// Run signs the lists and names them.
func (statusPublish) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		return err
	}
	origin, err := s.issuerOrigin(ctx, c)
	if err != nil {
		return err
	}
	is, err := newIssuer(s, origin, messages)
	if err != nil {
		return err
	}
	var ids []int
	if err := s.db.View(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) (err error) {
		ids, err = credentials.Lists(tx)
		return err
	}); err != nil {
		return err
	}
	for _, id := range ids {
		token, err := is.Publish(ctx, id)
		if err != nil {
			return err
		}
		fmt.Printf("list %d: version %d, until %s\n", id, token.Version, token.Expires.Time.Format(time.RFC3339))
	}
	return nil
}

type routesCmd struct {
	JSON bool `help:"As JSON."`
}

// Run lists every route with its permission.
func (cmd routesCmd) Run() error {
	type line struct {
		Site       string `json:"site"`
		Method     string `json:"method"`
		Path       string `json:"path"`
		Permission string `json:"permission"`
		Strong     bool   `json:"strong,omitempty"` // takes a step-up
	}
	var lines []line
	for _, site := range []struct {
		name   string
		routes []web.Route
	}{
		{"portal", portal.Routes(portal.Config{})},
		{"admin", admin.Routes(admin.Config{})},
		{"issuer", issuer.New(issuer.Config{}).Routes()},
	} {
		for _, r := range site.routes {
			lines = append(lines, line{site.name, r.Method, r.FullPath(), string(r.Permission), r.TakesStepUp()})
		}
	}
	if cmd.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(lines)
	}
	for _, l := range lines {
		fmt.Printf("%-7s %-8s %-50s %s\n", l.Site, l.Method, l.Path, l.Permission)
	}
	return nil
}
