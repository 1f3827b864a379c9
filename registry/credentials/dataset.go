package credentials

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Dataset is what a credential would say at this moment, under what its holder
// may see at this moment.
type Dataset struct {
	Claims    map[string]any // by the first part of the claim's path
	Household *db.ID
	Decision  *db.ID
}

// Hash identifies the content, so that the registry can tell later whether a
// credential still says what is true.
func (d Dataset) Hash() []byte {
	raw, err := json.Marshal(d.Claims) // map keys are sorted
	if err != nil {
		panic(err) // claims are strings, numbers, lists of strings and null
	}
	sum := sha256.Sum256(raw)
	return sum[:]
}

// Data recomputes the dataset of a type for a holder. fault.Conflict when the
// holder is not entitled to it: no household, or no decision in their favour.
func Data(tx db.Tx, t Type, holder db.ID, decision *db.ID) (Dataset, error) {
	person, err := registry.LoadPerson(tx, holder)
	if err != nil {
		return Dataset{}, err
	}
	if person.Status != "active" {
		return Dataset{}, notEntitled()
	}
	id, err := registry.HouseholdOf(tx, holder)
	homeless := fault.Is(err, fault.NotFound)
	if err != nil && !homeless {
		return Dataset{}, err
	}
	var h registry.Household
	if !homeless && (t.Subject == "household" || t.defines()) {
		if h, err = registry.LoadHousehold(tx, id); err != nil {
			return Dataset{}, err
		}
	}
	if t.Subject == "person" {
		data, err := personData(tx, person)
		if err != nil {
			return data, err
		}
		return data, t.say(tx, data.Claims, person.ID, person.Fields, h.Protected)
	}
	if homeless {
		return Dataset{}, notEntitled()
	}
	about := householdData
	if t.ID == ProgrammeEligibility {
		about = func(tx db.Tx, h registry.Household) (Dataset, error) { return eligibilityData(tx, h, decision) }
	}
	data, err := about(tx, h)
	if err != nil {
		return data, err
	}
	return data, t.say(tx, data.Claims, h.ID, h.Fields, h.Protected)
}

// defines reports whether a definition makes a claim of the type.
func (t Type) defines() bool {
	return slices.ContainsFunc(t.Claims, func(c Claim) bool { return c.defined != nil })
}

func notEntitled() error { return fault.New(fault.Conflict, "credential.error.not_entitled") }

func personData(tx db.Tx, p registry.Person) (Dataset, error) {
	since, err := registeredOn(tx, p.ID)
	claims := map[string]any{"person_reference": p.Ref, "registered_on": since}
	if p.FullName != "" {
		claims["full_name"] = p.FullName
	}
	if b := p.Birth(); b.Exact() {
		claims["birth_date"] = b.From.Format(time.DateOnly)
	}
	return Dataset{Claims: claims}, err
}

func householdData(tx db.Tx, h registry.Household) (Dataset, error) {
	since, err := registeredOn(tx, h.ID)
	if err != nil {
		return Dataset{}, err
	}
	claims := map[string]any{"household_reference": h.Ref, "household_size": len(h.Members), "registered_on": since}
	if !h.Protected {
		path, err := registry.AreaPath(tx, h.AreaID)
		if err != nil {
			return Dataset{}, err
		}
		claims["district"] = district(path).Name[i18n.Source]
	}
	return Dataset{Claims: claims, Household: &h.ID}, nil
}

// district is the area at level 2, or the smallest one above it: nothing finer
// leaves the registry.
func district(path []registry.Area) registry.Area { return path[min(2, len(path)-1)] }

func eligibilityData(tx db.Tx, h registry.Household, decision *db.ID) (Dataset, error) {
	var row struct {
		ID        db.ID     `db:"id"`
		Ref       string    `db:"ref"`
		Code      string    `db:"code"`
		Name      i18n.Text `db:"name"`
		DecidedAt time.Time `db:"decided_at"`
	}
	err := tx.Get(&row, `
		select d.id, d.ref, p.code, p.name, d.decided_at
		from decision d join programme p on p.id = d.programme_id
		where d.household_id = $1 and d.outcome = 'eligible' and d.superseded_at is null and ($2::uuid is null or d.id = $2)
		order by d.decided_at desc, d.id limit 1`, h.ID, decision)
	if fault.Is(err, fault.NotFound) {
		return Dataset{}, notEntitled()
	}
	if err != nil {
		return Dataset{}, err
	}
	on, err := registry.DayOf(tx, row.DecidedAt)
	return Dataset{Household: &h.ID, Decision: &row.ID, Claims: map[string]any{
		"programme": row.Code, "programme_name": row.Name[i18n.Source], "decision_reference": row.Ref,
		"decided_on": on, "household_reference": h.Ref,
	}}, err
}

func registeredOn(tx db.Tx, subject db.ID) (string, error) {
	var at time.Time
	if err := tx.Get(&at, `select recorded_at from record_version where subject_id = $1 and version = 1`, subject); err != nil {
		return "", err
	}
	return registry.DayOf(tx, at)
}
