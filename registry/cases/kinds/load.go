package kinds

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases/effect"
)

//go:embed shipped/*.yaml
var shipped embed.FS

// Read reads a definition from YAML, as "daftar kinds publish" gets it. Instead
// of its own reasons it may take those of a set of shipped/_reasons.yaml.
func Read(raw []byte) (Kind, error) {
	var file struct {
		Kind      `yaml:",inline"`
		ReasonsOf string `yaml:"reasons_of"`
	}
	if err := strict(raw, &file); err != nil {
		return Kind{}, err
	}
	k := file.Kind
	if file.ReasonsOf != "" {
		var sets map[string][]Reason
		common, err := shipped.ReadFile("shipped/_reasons.yaml")
		if err != nil {
			return k, err
		}
		if err := strict(common, &sets); err != nil {
			return k, err
		}
		if sets[file.ReasonsOf] == nil {
			return k, fmt.Errorf("kind %s: no set of reasons %q", k.Code, file.ReasonsOf)
		}
		k.Reasons = sets[file.ReasonsOf]
	}
	return k, k.Check(effect.Names())
}

func strict(raw []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	return d.Decode(into)
}

// Shipped are the kinds that come with Daftar.
func Shipped() ([]Kind, error) {
	names, err := shipped.ReadDir("shipped")
	if err != nil {
		return nil, err
	}
	var list []Kind
	for _, n := range names {
		if strings.HasPrefix(n.Name(), "_") {
			continue
		}
		raw, err := shipped.ReadFile(path.Join("shipped", n.Name()))
		if err != nil {
			return nil, err
		}
		k, err := Read(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name(), err)
		}
		list = append(list, k)
	}
	return list, nil
}

// Events are the shipped kinds about something that happened to people, of which a
// country may ask questions of its own.
var Events = sync.OnceValue(func() []Kind {
	list, err := Shipped()
	if err != nil {
		panic(err) // embedded; a test reads them
	}
	return slices.DeleteFunc(list, func(k Kind) bool { return k.Family != "event" })
})

// Core are the values of a record that have no definition, as questions.
var Core = sync.OnceValue(func() registry.Fields {
	raw, err := shipped.ReadFile("shipped/_core.yaml")
	if err != nil {
		panic(err)
	}
	var questions []Question
	if err := strict(raw, &questions); err != nil {
		panic("shipped/_core.yaml: " + err.Error()) // embedded; a test reads it
	}
	var fields registry.Fields
	for _, q := range questions {
		fields = append(fields, q.field(""))
	}
	return fields
})

// PublishMissing stores the shipped kinds of which the registry has no version.
// What a country changed is left alone.
func PublishMissing(tx db.Tx) error {
	list, err := Shipped()
	if err != nil {
		return err
	}
	var there []string
	if err := tx.Select(&there, `select distinct code from case_kind`); err != nil {
		return err
	}
	for _, k := range list {
		if !slices.Contains(there, k.Code) {
			if err := Publish(tx, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// Publish stores the next version of a kind. Cases that were begun keep theirs.
func Publish(tx db.Tx, k Kind) error {
	if err := k.Check(effect.Names()); err != nil {
		return err
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return tx.Exec(`
		insert into case_kind (id, code, version, definition, published_at)
		select $1, $2, coalesce(max(version), 0) + 1, $3, $4 from case_kind where code = $2`,
		tx.NewID(), k.Code, string(raw), tx.Now())
}

// A version is never changed, so what was read once holds for good.
var cache sync.Map // db.ID: Kind

type row struct {
	ID         db.ID  `db:"id"`
	Version    int    `db:"version"`
	Definition []byte `db:"definition"`
}

func (r row) kind() (Kind, error) {
	var k Kind
	if err := json.Unmarshal(r.Definition, &k); err != nil {
		return k, err
	}
	k.ID, k.Version = r.ID, r.Version
	cache.Store(r.ID, k)
	return k, nil
}

// ByID reads the version that a case was begun with.
func ByID(tx db.Tx, id db.ID) (Kind, error) {
	if k, ok := cache.Load(id); ok {
		return k.(Kind), nil
	}
	var r row
	if err := tx.Get(&r, `select id, version, definition from case_kind where id = $1`, id); err != nil {
		return Kind{}, err
	}
	return r.kind()
}

// Current is the version of a kind that holds today; fault.NotFound for none.
func Current(tx db.Tx, code string) (Kind, error) {
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return Kind{}, err
	}
	var id db.ID
	if err := tx.Get(&id, `
		select id from case_kind where code = $1 and coalesce(definition->>'from', '') <= $2 order by version desc limit 1`, code, today); err != nil {
		return Kind{}, err
	}
	return ByID(tx, id)
}

// All are the newest versions of all kinds, by their codes.
func All(tx db.Tx) ([]Kind, error) { return until(tx, "9999") }

// Today are the versions that hold today.
func Today(tx db.Tx) ([]Kind, error) {
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return nil, err
	}
	return until(tx, today)
}

func until(tx db.Tx, day string) ([]Kind, error) {
	var ids []db.ID
	if err := tx.Select(&ids, `
		select distinct on (code) id from case_kind where coalesce(definition->>'from', '') <= $1 order by code, version desc`, day); err != nil {
		return nil, err
	}
	list := make([]Kind, len(ids))
	for i, id := range ids {
		var err error
		if list[i], err = ByID(tx, id); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// List are the kinds that somebody may begin, in the order of the list.
func List(tx db.Tx, who string) ([]Kind, error) {
	list, err := Today(tx)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(k Kind) bool { return k.Off || !k.Starts.By(who) || k.Group == "" })
	slices.SortStableFunc(list, func(a, b Kind) int {
		if a.Group != b.Group {
			return slices.Index(Groups(), a.Group) - slices.Index(Groups(), b.Group)
		}
		return a.Order - b.Order
	})
	return list, nil
}

// Startable is Current for somebody who may begin the kind; to anybody else it
// is not there.
func Startable(tx db.Tx, code, who string) (Kind, error) {
	k, err := Current(tx, code)
	if err == nil && (k.Off || !k.Starts.By(who) || k.Group == "") {
		err = fault.Hidden()
	}
	return k, err
}

// Version is one version of a kind, in its history.
type Version struct {
	Version int       `db:"version"`
	At      time.Time `db:"published_at"`
	By      string    `db:"name"` // "" for the program
	From    string    `db:"from_day"`
}

// History lists the versions of a kind, newest first.
func History(tx db.Tx, code string) ([]Version, error) {
	var list []Version
	err := tx.Select(&list, `
		select k.version, k.published_at, coalesce(s.name, '') as name, coalesce(k.definition->>'from', '') as from_day
		from case_kind k left join staff s on s.id = k.published_by where k.code = $1 order by k.version desc`, code)
	return list, err
}
