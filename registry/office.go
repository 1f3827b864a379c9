package registry

import (
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
)

// Office is a unit of the administration: what letters and receipts say of it.
type Office struct {
	ID      db.ID     `db:"id"`
	Code    string    `db:"code"`
	Parent  *db.ID    `db:"parent_id"`
	Kind    string    `db:"kind"`
	Name    i18n.Text `db:"name"`
	Seat    string    `db:"seat"` // P-code of the area where it stands; "" for nowhere
	Address i18n.Text `db:"address"`
	Phone   string    `db:"phone"`
	Opening Opening   `db:"opening"`
}

// Opening says when an office is open, by Weekdays: "08:00-14:00".
type Opening map[string]string

// Scan reads a jsonb column.
func (o *Opening) Scan(src any) error { return scanJSON(src, o) }

// OfficeKinds lists the kinds of office, from the top. Each has the message
// "office.kind.<kind>".
func OfficeKinds() []string { return []string{"ministry", "regional", "district", "counter"} }

const officeColumns = `o.id, o.code, o.parent_id, o.kind, o.name, o.address, o.phone, o.opening,
	coalesce((select s.code from area s where s.id = o.seat_id and s.valid_to is null), '') as seat`

// OfficeFor is the office that answers for an area: the nearest one that names
// it or an area around it; false when none does.
func OfficeFor(tx db.Tx, area db.ID) (Office, bool, error) {
	return office(tx, `
		select `+officeColumns+`
		from area x join area a on a.id in (x.l0, x.l1, x.l2, x.l3, x.l4, x.l5)
		join office_area oa on oa.area_id = a.id join office o on o.id = oa.office_id and not o.closed
		where x.id = $1
		order by a.level desc, array_position(array['counter', 'district', 'regional', 'ministry'], o.kind), o.code limit 1`, area)
}

// OfficeOf is where a member of staff works at this moment; false when at no
// office. Who works at several is at the smallest.
func OfficeOf(tx db.Tx, staff db.ID) (Office, bool, error) {
	return office(tx, `
		select `+officeColumns+`
		from office_role r join office o on o.id = r.office_id and not o.closed
		where r.staff_id = $1 and r.valid_from <= $2 and (r.valid_to is null or r.valid_to > $2)
		order by array_position(array['counter', 'district', 'regional', 'ministry'], o.kind), o.code limit 1`, staff, tx.Now())
}

// OfficeOfCase is the office that a case is with: where it was taken at a
// counter, else the one that answers for the place.
func OfficeOfCase(tx db.Tx, openedBy, area *db.ID) (Office, bool, error) {
	if openedBy != nil {
		if o, ok, err := OfficeOf(tx, *openedBy); ok || err != nil {
			return o, ok, err
		}
	}
	if area == nil {
		return Office{}, false, nil
	}
	return OfficeFor(tx, *area)
}

func office(tx db.Tx, query string, args ...any) (Office, bool, error) {
	var o Office
	err := tx.Get(&o, query, args...)
	if fault.Is(err, fault.NotFound) {
		return o, false, nil
	}
	return o, err == nil, err
}
