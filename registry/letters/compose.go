package letters

import (
	"encoding/json"
	"strconv"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/notices"
)

// Compose puts a letter into words and sends it on its way: into the portal
// with a notice, and to the printer where the person has no safe channel. A
// letter for which no text in any language was reviewed stays held. It may run
// any number of times.
func Compose(tx db.Tx, messages *i18n.Bundle, id db.ID) error {
	if err := tx.Exec(`select from letter where id = $1 for update`, id); err != nil {
		return err
	}
	l, err := Load(tx, id)
	if err != nil || !l.Held() {
		return err
	}
	parts, used, err := l.words(tx, messages)
	if err != nil || len(parts) == 0 {
		return err
	}
	body, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	if err := tx.Exec(`update letter set body = $2, texts = $3::uuid[], composed_at = $4 where id = $1`,
		l.ID, string(body), registry.Texts(used), tx.Now()); err != nil {
		return err
	}
	if err := l.log(tx, "composed"); err != nil {
		return err
	}
	if err := notices.Tell(tx, notices.Notice{
		Kind: "letter", Person: l.Person, Account: l.Account, Case: l.Case, Decision: l.Decision, Letter: &l.ID, Legal: true, Once: "letter:" + l.ID.String(),
	}); err != nil {
		return err
	}
	safe, err := l.safeChannel(tx)
	if err != nil || safe {
		return err
	}
	return want(tx, l)
}

// words are the letter in its languages: the reviewed text, and after it the
// person's language as a marked draft where that was not reviewed (RULES R3).
func (l Letter) words(tx db.Tx, messages *i18n.Bundle) (parts []Part, used []db.ID, err error) {
	var all []Wording
	if err := tx.Select(&all, `select `+wordingColumns+` from `+wordingTables+` where t.kind = $1 order by t.version desc`, l.Kind); err != nil {
		return nil, nil, err
	}
	latest := func(language string, reviewed bool) *Wording {
		for i, w := range all {
			if w.Language == language && (w.Reviewed() || !reviewed) {
				return &all[i]
			}
		}
		return nil
	}
	add := func(w *Wording, draft bool) {
		parts, used = append(parts, l.part(messages.Printer(w.Language), *w, draft)), append(used, w.ID)
	}
	if w := latest(l.Language, true); w != nil {
		add(w, false)
		return parts, used, nil
	}
	for _, locale := range messages.Locales() { // the source language first
		if w := latest(locale.Tag, true); w != nil {
			add(w, false)
			break
		}
	}
	if draft := latest(l.Language, false); draft != nil && len(parts) > 0 && messages.Printer(l.Language) != nil {
		add(draft, true)
	}
	return parts, used, nil
}

// part fills a text with the facts.
func (l Letter) part(p *i18n.Printer, w Wording, draft bool) Part {
	fill := strings.NewReplacer("{programme}", l.Facts.Programme.In(p), "{reference}", l.Facts.Reference, "{days}", strconv.Itoa(l.Facts.Days)).Replace
	part := Part{Lang: p.Tag, Dir: p.Dir, Draft: draft, Title: fill(w.Title)}
	for _, text := range paragraphs(w.Body) {
		if text != "{reasons}" {
			part.Paragraphs = append(part.Paragraphs, Paragraph{Text: fill(text)})
			continue
		}
		var items []string
		for _, r := range l.Facts.Reasons {
			items = append(items, r.words(p))
		}
		part.Paragraphs = append(part.Paragraphs, Paragraph{Items: items})
	}
	return part
}

// safeChannel reports whether the addressee can read the letter in the portal
// and can safely be told that it is there. Somebody who is not in the registry
// yet asked for something in the portal and comes back to it.
func (l Letter) safeChannel(tx db.Tx) (bool, error) {
	if l.Person == nil {
		return true, nil
	}
	var account bool
	if err := tx.Get(&account, `select exists (select from account where person_id = $1)`, *l.Person); err != nil || !account {
		return false, err
	}
	return notices.Reachable(tx, *l.Person)
}
