package people

import (
	"slices"
	"strconv"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/history"
	"daftar/web/show"
	"daftar/web/ui"
)

// leaving are the reasons that an officer gives; the others come of themselves.
var leaving = chosen("membership.end.", "moved", "married", "separated", "other")

var (
	householdInput    = input{Name: "household", Style: "text", Hint: true}
	relationshipInput = input{Name: "relationship", Style: "select", Choices: chosen("relationship.", registry.Relationships()...)}
	oldHeadInput      = input{Name: "old_head", Style: "select", Optional: true, Hint: true, Choices: chosen("relationship.", registry.Relationships()[1:]...)}
	whyInput          = input{Name: "why", Style: "select", Choices: leaving}
	tieInput          = input{Name: "which", Style: "select", Choices: openTies}
	tagsInput         = input{Name: "tags", Style: "boxes", Optional: true, Hint: true, Choices: tagChoices, Start: func(v *proposal) []string { return v.tags() }}
)

var personParts = []part{
	{Key: "move", Reason: "moved", Dated: true, Inputs: []input{householdInput, relationshipInput, oldHeadInput, whyInput}, Apply: move},
	{Key: "tie", Reason: "other", Dated: true, Inputs: []input{householdInput,
		{Name: "tie", Style: "radios", Choices: chosen("tie.", registry.Ties()[1:]...)}, relationshipInput}, Apply: belong},
	{Key: "relationship", Reason: "other", Dated: true, Inputs: []input{tieInput, relationshipInput, oldHeadInput}, Apply: relate},
	{Key: "leave", Reason: "moved", Dated: true, Inputs: []input{tieInput, whyInput}, Apply: leave},
	{Key: "duty", Reason: "other", Dated: true, Inputs: []input{tieInput, {Name: "role", Style: "radios", Choices: chosen("role.", registry.Roles()...)},
		{Name: "of", Style: "text", Optional: true, Hint: true}}, Apply: serve},
	{Key: "resign", Reason: "other", Dated: true, Inputs: []input{{Name: "duty", Style: "select", Choices: openDuties}}, Apply: resign},
	{Key: "relation", Reason: "other", Inputs: []input{{Name: "relation", Style: "select", Choices: relationTypes}, {Name: "other", Style: "text"},
		{Name: "since", Style: "day", Optional: true}}, Apply: addRelation},
	{Key: "unrelate", Reason: "other", Dated: true, Inputs: []input{{Name: "bond", Style: "select", Choices: openRelations, Hint: true}}, Apply: endRelation},
	{Key: "number", Reason: "evidence", Inputs: []input{{Name: "type", Style: "select", Choices: numberTypes}, {Name: "value", Style: "text"},
		{Name: "issuer", Style: "text", Optional: true}, {Name: "status", Style: "radios", Choices: chosen("identifier.status.", "verified", "unverified")},
		{Name: "assurance", Style: "select", Optional: true, Choices: chosen("assurance.", registry.Assurances()...)},
		{Name: "expires", Style: "text", Optional: true, Hint: true}}, Apply: addNumber},
	{Key: "unnumber", Reason: "evidence", Inputs: []input{{Name: "number", Style: "select", Choices: openNumbers}}, Apply: endNumber},
	{Key: "contact", Reason: "other", Inputs: []input{{Name: "kind", Style: "radios", Choices: chosen("contact.", registry.ContactPhone, registry.ContactEmail)},
		{Name: "value", Style: "text"}, {Name: "owner", Style: "radios", Choices: chosen("contact.owner.", registry.ContactOwners()...)},
		{Name: "safe", Style: "boxes", Optional: true, Choices: chosen("contact.safe.", registry.ContactUses()...)},
		{Name: "protected", Style: "boxes", Optional: true, Choices: chosen("part.protected.", "yes")}}, Apply: addContact},
	{Key: "uncontact", Reason: "other", Inputs: []input{{Name: "contact", Style: "select", Choices: knownContacts}}, Apply: removeContact},
	{Key: "tags", Reason: "other", Inputs: []input{tagsInput}, Apply: tag},
}

// openTies are the ties that go on.
func openTies(e *edit) []ui.Choice {
	var list []ui.Choice
	names := e.names()
	for _, m := range e.v.Person.Memberships {
		if m.EndDate == "" {
			list = append(list, ui.Choice{Value: m.ID.String(), Label: e.p.List([]string{names[m.HouseholdID.String()], show.Tie(e.p, m.Tie)})})
		}
	}
	return list
}

// names are what the record mentions.
func (e *edit) names() show.Names {
	var changes []history.Change
	for _, m := range e.v.Person.Memberships {
		if s, err := history.Of(m); err == nil {
			changes = append(changes, history.Change{New: s})
		}
	}
	for _, r := range e.v.Person.Relations {
		if s, err := history.Of(r); err == nil {
			changes = append(changes, history.Change{New: s})
		}
	}
	names, _ := show.NamesIn(e.tx, e.p, changes...) // without them, a list has no names
	return names
}

// chose is the tie that was chosen; read has seen that it is one.
func (e *edit) chose(name string) db.ID {
	for _, m := range e.v.Person.Memberships {
		if m.ID.String() == e.form.Get(name) {
			return m.ID
		}
	}
	return db.ID{}
}

func move(e *edit) error {
	home := e.find("household", registry.KindHousehold, registry.RefHousehold)
	if e.livesIn(home) {
		return nil
	}
	for _, m := range e.v.Person.Memberships {
		if m.Usual() && m.EndDate == "" {
			e.notBefore(m.ID)
		}
	}
	to := registry.MembershipData{ID: e.tx.NewID(), HouseholdID: home, Relationship: e.form.Get("relationship"), StartDate: e.day}
	e.v.Person = e.v.Person.Move(to, e.form.Get("why"))
	return e.oneHead(to)
}

// notBefore refuses that a tie ends on a day before it began.
func (e *edit) notBefore(tie db.ID) {
	for _, m := range e.v.Person.Memberships {
		if m.ID == tie && e.day != "" && e.day < m.StartDate {
			e.check.Fail("effective", "part.error.left_early", "Date", show.Day(e.p, m.StartDate))
		}
	}
}

// livesIn refuses a household in which the person usually lives already.
func (e *edit) livesIn(home db.ID) bool {
	for _, m := range e.v.Person.Memberships {
		if m.Usual() && m.EndDate == "" && m.HouseholdID == home {
			e.check.Fail("household", "part.error.same_home")
			return true
		}
	}
	return false
}

func belong(e *edit) error {
	home := e.find("household", registry.KindHousehold, registry.RefHousehold)
	if e.livesIn(home) {
		return nil
	}
	to := registry.MembershipData{ID: e.tx.NewID(), HouseholdID: home, Tie: e.form.Get("tie"), Relationship: e.form.Get("relationship"), StartDate: e.day}
	e.v.Person = e.v.Person.Belong(to)
	return e.oneHead(to)
}

func relate(e *edit) error {
	tie := e.chose("which")
	e.v.Person, _ = e.v.Person.Relate(tie, e.tx.NewID(), e.form.Get("relationship"), e.day)
	for _, m := range e.v.Person.Memberships {
		if m.EndDate == "" && (m.ID == tie || m.StartDate == e.day) && m.Relationship == e.form.Get("relationship") {
			return e.oneHead(m)
		}
	}
	return nil
}

// oneHead gives the head of a household another place when there is a new one.
func (e *edit) oneHead(to registry.MembershipData) error {
	if to.Relationship != registry.RelationshipHead {
		return nil
	}
	var heads []struct {
		Person db.ID `db:"person_id"`
		Tie    db.ID `db:"id"`
	}
	if err := e.tx.Select(&heads, `
		select m.person_id, m.id from membership m join person p on p.id = m.person_id
		where m.household_id = $1 and m.relationship = 'head' and m.end_date is null and p.ref <> $2`, to.HouseholdID, e.v.Ref); err != nil {
		return err
	}
	for _, h := range heads {
		if e.form.Get("old_head") == "" {
			e.check.Fail("old_head", "part.error.old_head")
			return nil
		}
		if err := e.other(h.Person, func(p registry.PersonData) registry.PersonData {
			p, _ = p.Relate(h.Tie, e.tx.NewID(), e.form.Get("old_head"), e.day)
			return p
		}); err != nil {
			return err
		}
	}
	return nil
}

// other changes another person's record along with this one.
func (e *edit) other(id db.ID, change func(registry.PersonData) registry.PersonData) error {
	p, version, err := registry.CurrentPerson(e.tx, id)
	if err != nil {
		return err
	}
	e.also = append(e.also, registry.Item{Kind: registry.KindPerson, Subject: id, BaseVersion: version, Data: change(p)})
	return nil
}

func leave(e *edit) error {
	e.notBefore(e.chose("which"))
	e.v.Person, _ = e.v.Person.Leave(e.chose("which"), e.day, e.form.Get("why"))
	return nil
}

// serve gives a duty. A payee takes the place of the one before, whose record
// changes in the same proposal: two officials decide (RULES R15).
func serve(e *edit) error {
	duty := registry.RoleData{Role: e.form.Get("role"), StartDate: e.day}
	if duty.Role == registry.RoleCaregiver {
		of := e.find("of", registry.KindPerson, registry.RefPerson)
		duty.Of = &of
	}
	tie := e.chose("which")
	if duty.Role == registry.RolePayee { // and the alternative no longer
		e.v.Person = resignAs(e.v.Person, tie, registry.RoleAlternatePayee, e.day)
	}
	e.v.Person, _ = e.v.Person.Serve(tie, duty)
	if duty.Role != registry.RolePayee {
		return nil
	}
	var before []struct {
		Person db.ID `db:"person_id"`
		Tie    db.ID `db:"membership_id"`
	}
	if err := e.tx.Select(&before, `
		select r.person_id, r.membership_id from membership_role r join person p on p.id = r.person_id
		where r.role = 'payee' and r.end_date is null and p.ref <> $2
		  and r.household_id = (select household_id from membership where id = $1 and person_id = (select id from person where ref = $2))`,
		tie, e.v.Ref); err != nil {
		return err
	}
	for _, b := range before {
		if err := e.other(b.Person, func(p registry.PersonData) registry.PersonData {
			return resignAs(p, b.Tie, registry.RolePayee, e.day)
		}); err != nil {
			return err
		}
	}
	return nil
}

// resignAs ends a duty of a tie, whichever it is by number.
func resignAs(p registry.PersonData, tie db.ID, role, day string) registry.PersonData {
	for _, m := range p.Memberships {
		for n, r := range m.Roles {
			if m.ID == tie && r.Role == role && r.EndDate == "" {
				p, _ = p.Resign(tie, n, day)
			}
		}
	}
	return p
}

// openDuties are the duties that go on, as "tie:number".
func openDuties(e *edit) []ui.Choice {
	var list []ui.Choice
	names := e.names()
	for _, m := range e.v.Person.Memberships {
		for n, r := range m.Roles {
			if m.EndDate != "" || r.EndDate != "" {
				continue
			}
			of := ""
			if r.Of != nil {
				of = names[r.Of.String()]
			}
			list = append(list, ui.Choice{Value: m.ID.String() + ":" + strconv.Itoa(n), Label: e.p.List([]string{show.Role(e.p, r.Role, of), names[m.HouseholdID.String()]})})
		}
	}
	return list
}

func resign(e *edit) error {
	id, n, _ := strings.Cut(e.form.Get("duty"), ":")
	nth, err := strconv.Atoi(n)
	for _, m := range e.v.Person.Memberships {
		if m.ID.String() == id && err == nil {
			e.v.Person, _ = e.v.Person.Resign(m.ID, nth, e.day)
			break
		}
	}
	return nil
}

func relationTypes(e *edit) []ui.Choice {
	var list []ui.Choice
	for _, code := range []string{"spouse", "parent", "child", "grandparent", "grandchild", "sibling", "guardian", "ward", "carer", "cared_for"} {
		list = append(list, ui.Choice{Value: code, Label: e.p.T("relation.of."+code, "Name", e.p.T("part.the_other"))})
	}
	return list
}

func addRelation(e *edit) error {
	other := e.find("other", registry.KindPerson, registry.RefPerson)
	since := day(e.form, &e.check, "since", registry.Today(e.c.Now(), e.p.Zone))
	if ref, _ := registry.ParseRef(registry.RefPerson, e.form.Get("other")); ref == e.v.Ref {
		e.check.Fail("other", "rule.relation_self")
	}
	e.v.Person.Relations = append(slices.Clone(e.v.Person.Relations), registry.RelationData{ID: e.tx.NewID(), Type: e.form.Get("relation"), PersonID: other, StartDate: since})
	return nil
}

func openRelations(e *edit) []ui.Choice {
	var list []ui.Choice
	names := e.names()
	for _, r := range e.v.Person.Relations {
		if r.EndDate == "" {
			list = append(list, ui.Choice{Value: r.ID.String(), Label: e.p.T("relation.of."+r.Type, "Name", names[r.PersonID.String()])})
		}
	}
	return list
}

func endRelation(e *edit) error {
	e.v.Person.Relations = slices.Clone(e.v.Person.Relations)
	for i, r := range e.v.Person.Relations {
		if r.ID.String() == e.form.Get("bond") {
			e.v.Person.Relations[i].EndDate = max(e.day, r.StartDate)
		}
	}
	return nil
}

func numberTypes(e *edit) []ui.Choice {
	types, _ := registry.IdentifierTypes(e.tx) // an empty list can be chosen nothing from
	var list []ui.Choice
	for _, t := range types {
		if t.Subject == e.v.Kind {
			list = append(list, ui.Choice{Value: t.Code, Label: t.Name.In(e.p)})
		}
	}
	return list
}

// addNumber takes a number. One that cannot be of its type is kept as it was
// given, and is not verified.
func addNumber(e *edit) error {
	n := registry.IdentifierData{Type: e.form.Get("type"), Value: registry.NormalIdentifier(e.get("value")), Issuer: e.get("issuer"),
		Status: e.form.Get("status"), Assurance: e.form.Get("assurance"), Method: e.form.Get("method")}
	if n.Value == "" {
		e.check.Fail("value", "part.error.value")
	}
	if s := i18n.LatinDigits(strings.TrimSpace(e.form.Get("expires"))); s != "" {
		if n.ExpiresOn = s; !isDay(s) {
			e.check.Fail("expires", "part.error.expires")
		}
	}
	types, err := registry.IdentifierTypes(e.tx)
	if err != nil {
		return err
	}
	for _, t := range types {
		if t.Code == n.Type && n.Status == "verified" && !t.Fits(n.Value) {
			e.check.Fail("value", "rule.identifier_pattern")
		}
	}
	kept := slices.DeleteFunc(slices.Clone(e.v.Person.Identifiers), func(i registry.IdentifierData) bool {
		return i.Type == n.Type && i.Value == n.Value && i.Issuer == n.Issuer
	})
	e.v.Person.Identifiers = append(kept, n)
	return nil
}

func openNumbers(e *edit) []ui.Choice {
	types, _ := registry.IdentifierTypes(e.tx)
	var list []ui.Choice
	for i, n := range e.v.Person.Identifiers {
		if n.Status != "ended" {
			list = append(list, ui.Choice{Value: strconv.Itoa(i), Label: e.p.List([]string{show.IdentifierName(e.p, types, n.Type), show.Masked(n.Value)})})
		}
	}
	return list
}

func endNumber(e *edit) error {
	e.v.Person.Identifiers = slices.Clone(e.v.Person.Identifiers)
	if n, err := strconv.Atoi(e.form.Get("number")); err == nil {
		e.v.Person.Identifiers[n].Status = "ended" // read has seen that there is one
	}
	return nil
}

func addContact(e *edit) error {
	n := registry.ContactData{Kind: e.form.Get("kind"), Value: registry.NormalContact(e.form.Get("kind"), e.get("value")), Owner: e.form.Get("owner"),
		Safe: e.form.All("safe"), Protected: e.form.Get("protected") != ""}
	if len(n.Value) < 5 || n.Kind == registry.ContactEmail && !strings.Contains(n.Value, "@") {
		e.check.Fail("value", "part.error.contact_value")
	}
	kept := slices.DeleteFunc(slices.Clone(e.v.Person.Contacts), func(x registry.ContactData) bool { return x.Kind == n.Kind && x.Value == n.Value })
	e.v.Person.Contacts = append(kept, n)
	return nil
}

// knownContacts are those that the officer may see.
func knownContacts(e *edit) []ui.Choice {
	var list []ui.Choice
	for i, x := range e.v.Person.Contacts {
		if !x.Protected || e.v.SeesContacts {
			list = append(list, ui.Choice{Value: strconv.Itoa(i), Label: e.p.List([]string{e.p.T("contact." + x.Kind), x.Value})})
		}
	}
	return list
}

func removeContact(e *edit) error {
	if n, err := strconv.Atoi(e.form.Get("contact")); err == nil {
		e.v.Person.Contacts = slices.Delete(slices.Clone(e.v.Person.Contacts), n, n+1)
	}
	return nil
}

// tags are those that the record has.
func (v *proposal) tags() []string {
	return slices.Concat(v.Person.Tags, v.Household.Tags, v.Group.Tags)
}

// tagChoices are the country's tags for such a record, and what it has besides.
func tagChoices(e *edit) []ui.Choice {
	all, _ := registry.LoadTags(e.tx) // without them there is nothing to choose
	codes := all.For(e.v.Kind).Codes()
	for _, tag := range e.v.tags() {
		if !slices.Contains(codes, tag) {
			codes = append(codes, tag)
		}
	}
	var list []ui.Choice
	for _, code := range codes {
		list = append(list, ui.Choice{Value: code, Label: all.Name(e.p, code)})
	}
	return list
}

// tag takes the tags that were chosen, which read has seen to be among them.
func tag(e *edit) error {
	tags := slices.DeleteFunc(slices.Clone(e.form.All("tags")), func(s string) bool { return s == "" })
	e.v.Person.Tags, e.v.Household.Tags, e.v.Group.Tags = nil, nil, nil
	switch e.v.Kind {
	case registry.KindPerson:
		e.v.Person.Tags = tags
	case registry.KindHousehold:
		e.v.Household.Tags = tags
	default:
		e.v.Group.Tags = tags
	}
	return nil
}
