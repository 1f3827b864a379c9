package cases

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"daftar/db"
	"daftar/seal"
)

// The words of a sealed case are not in the database as they are: what was typed
// into it, notes, what a visit is to look at and found, what was said with the
// decision. They are under the key of the case (docs/decisions/0033-sealing.md).

// draftColumn, noteColumn and the others are where sealed words stand.
const (
	draftColumn    = "case_file.draft"
	noteColumn     = "case_event.note"
	whatColumn     = "case_visit.what"
	findingsColumn = "case_visit.findings"
	saidColumn     = "decision.note"
)

// concealed begins words that are sealed; base64 follows.
const concealed = "sealed:"

// conceal seals words that are to stand in a row, if the case is sealed. Others
// never begin as sealed ones do, whatever somebody types.
func conceal(tx db.Tx, c Case, column string, row db.ID, words string) (string, error) {
	if words == "" {
		return "", nil
	}
	if !c.Secret {
		if strings.HasPrefix(words, concealed) {
			words = " " + words
		}
		return words, nil
	}
	k, err := seal.For(tx, seal.Case, c.ID)
	if err != nil {
		return "", err
	}
	sealed, err := k.Seal(column, row, []byte(words))
	return concealed + base64.StdEncoding.EncodeToString(sealed), err
}

// reveal is what conceal sealed. Of words whose key was destroyed nothing is
// left; what was written before the case was sealed is as it is until SealEarlier
// has passed.
func reveal(k *seal.Key, column string, row db.ID, words string) (string, error) {
	rest, ok := strings.CutPrefix(words, concealed)
	if !ok {
		return words, nil
	}
	sealed, err := base64.StdEncoding.DecodeString(rest)
	if err != nil || k == nil {
		return "", err
	}
	plain, err := k.Open(column, row, sealed)
	return string(plain), err
}

// words are the keys of sealed cases.
func words(tx db.Tx, secret bool, cases ...db.ID) (map[db.ID]*seal.Key, error) {
	if !secret {
		return nil, nil
	}
	return seal.Of(tx, seal.Case, cases...)
}

// uncover is reveal of words that may be of any case.
func uncover(tx db.Tx, of db.ID, column string, row db.ID, kept string) (string, error) {
	keys, err := words(tx, strings.HasPrefix(kept, concealed), of)
	if err != nil {
		return "", err
	}
	return reveal(keys[of], column, row, kept)
}

// SealEarlier seals what was written in a case before it was sealed. Whoever sealed
// it may not read all of that, so a job does it.
func SealEarlier(ctx context.Context, d *db.DB, id db.ID) error {
	return d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		c, err := byID(tx, id) // locked: what is written from now on is sealed
		if err != nil || !c.Secret {
			return err
		}
		for _, column := range []string{noteColumn, whatColumn, findingsColumn} {
			table, name, _ := strings.Cut(column, ".")
			var rows []struct {
				ID    db.ID  `db:"id"`
				Words string `db:"words"`
			}
			if err := tx.Select(&rows, `select id, `+name+` as words from `+table+` where case_id = $1 and `+name+` <> '' and `+name+` not like $2`,
				c.ID, concealed+"%"); err != nil {
				return err
			}
			for _, r := range rows {
				words, err := conceal(tx, c, column, r.ID, r.Words)
				if err != nil {
					return err
				}
				if err := tx.Exec(`select seal_words($1, $2, $3, $4)`, c.ID, column, r.ID, words); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// hidden is a draft that is sealed, as it stands in the column.
type hidden struct {
	Sealed []byte `json:"sealed"`
}

// encode is the draft as it is stored.
func (c *Case) encode(tx db.Tx) (string, error) {
	draft, err := json.Marshal(c.Draft)
	if err != nil {
		return "", err
	}
	if len(draft) > maxDraft {
		return "", errDraft
	}
	return hide(tx, c.Secret, c.ID, draft)
}

func hide(tx db.Tx, secret bool, id db.ID, draft []byte) (string, error) {
	if !secret {
		return string(draft), nil
	}
	k, err := seal.For(tx, seal.Case, id)
	if err != nil {
		return "", err
	}
	sealed, err := k.Seal(draftColumn, id, draft)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(hidden{sealed})
	return string(raw), err
}

// decode reads the draft. Of one whose key was destroyed nothing is left.
func (c *Case) decode(tx db.Tx) error {
	var h hidden
	if c.Secret {
		if err := json.Unmarshal(c.DraftJSON, &h); err != nil {
			return err
		}
	}
	if h.Sealed == nil { // or from before it was sealed
		return json.Unmarshal(c.DraftJSON, &c.Draft)
	}
	keys, err := seal.Of(tx, seal.Case, c.ID)
	if err != nil || keys[c.ID] == nil {
		return err
	}
	draft, err := keys[c.ID].Open(draftColumn, c.ID, h.Sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(draft, &c.Draft)
}
