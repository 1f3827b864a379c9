package seed

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"daftar/db"
	"daftar/registry"
)

// Types of identifier that the generated country gives out, beside the
// national number.
const (
	HealthCard       = "health_card"
	BirthCertificate = "birth_certificate"
)

const (
	paperNational = iota
	paperHealth
	paperBirth
)

// roomy is how many numbers a household has for its people.
const roomy = 64

// serial tells the records of one country apart.
func serial(household, member int) uint64 { return uint64(household)*roomy + uint64(member) }

// Two seeds below 3000 never give the same reference, so that several countries
// fit into one database.
const slots, slotSize = 3000, 1 << 33

const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ" // of registry.NewRef

// ref is the reference of a record. It is made as registry.NewRef makes one;
// only the drawing is replaced by a permutation, for references that never meet.
func (c *Country) ref(kind rune, household, member int) string {
	const left, right = 31 * 31 * 31 * 31, 31 * 31 * 31 * 31 * 31
	n := shuffle(c.cfg.Seed%slots*slotSize+serial(household, member), left, right, uint64(kind))
	var body [9]byte
	for i := range body {
		body[i] = alphabet[n%31]
		n /= 31
	}
	return registry.RefOf(kind, string(body[:]))
}

// Kinds of key, for id.
const (
	keyHousehold = iota
	keyPerson
	keyMembership
	keySecondMembership
	keySource
)

// Source is the key of the n-th source of a country's records.
func (c *Country) Source(n int) db.ID { return c.id(keySource, n, 0) }

// epoch is the instant of the first household's key; each household is a
// millisecond later, so that keys made together lie together in an index.
var epoch = uint64(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())

// id is a UUID of version 7, as db.NewID makes one, the same for the same seed.
func (c *Country) id(kind, household, member int) db.ID {
	var id db.ID
	binary.BigEndian.PutUint64(id[:8], (epoch+uint64(household))<<16)
	binary.BigEndian.PutUint16(id[6:], 0x7000|uint16(kind)<<8|uint16(member))
	binary.BigEndian.PutUint64(id[8:], mix(c.cfg.Seed, serial(household, member)*8+uint64(kind)))
	id[8] = id[8]&0x3f | 0x80
	return id
}

// number is a serial of twelve digits. Each kind of paper has its own.
func (c *Country) number(paper uint64, household, member int) string {
	return fmt.Sprintf("%012d", shuffle(c.cfg.Seed%1000*1e9+serial(household, member)%1e9, 1e6, 1e6, paper))
}

// nationalID is the country's code, twelve digits and two that check all of it
// (ISO/IEC 7064 MOD 97-10, letters as 10 to 35).
func (c *Country) nationalID(household, member int) string {
	n := c.cfg.Country + c.number(paperNational, household, member)
	return n + Mod97(n)
}

// healthCard is twelve digits and a digit that checks them (Verhoeff).
func (c *Country) healthCard(household, member int) string {
	n := c.number(paperHealth, household, member)
	return n + string(Verhoeff(n))
}

// birthCertificate is the year of the entry, a number, and a digit that checks
// both (Luhn, ISO/IEC 7812-1).
func (c *Country) birthCertificate(year, household, member int) string {
	n := strconv.Itoa(year) + c.number(paperBirth, household, member)
	return n + string(Luhn(n))
}

// Luhn is the check digit of a string of digits (ISO/IEC 7812-1 annex B).
func Luhn(digits string) byte {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// The dihedral group of ten elements, and the permutation of each place.
var (
	dihedral = [10][10]byte{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6},
		{3, 4, 0, 1, 2, 8, 9, 5, 6, 7}, {4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
		{6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3}, {8, 7, 6, 5, 9, 3, 2, 1, 0, 4},
		{9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
	}
	places = [8][10]byte{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, {5, 8, 0, 3, 7, 9, 6, 1, 4, 2},
		{8, 9, 1, 6, 0, 4, 3, 5, 2, 7}, {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
		{2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
	}
	inverse = [10]byte{0, 4, 3, 2, 1, 5, 6, 7, 8, 9}
)

// Verhoeff is the check digit of a string of digits (Verhoeff, Error Detecting
// Decimal Codes, 1969).
func Verhoeff(digits string) byte {
	c := byte(0)
	for i := range digits {
		c = dihedral[c][places[(i+1)%8][digits[len(digits)-1-i]-'0']]
	}
	return '0' + inverse[c]
}

// Mod97 is the pair of check digits of a string of digits and capitals (ISO/IEC
// 7064 MOD 97-10, letters as 10 to 35).
func Mod97(s string) string {
	rest := 0
	for i := range s {
		if c := int(s[i]); c >= 'A' {
			rest = (rest*100 + c - 'A' + 10) % 97
		} else {
			rest = (rest*10 + c - '0') % 97
		}
	}
	return fmt.Sprintf("%02d", 98-rest*100%97)
}

// phone is a number of nobody: no country has the code 999.
func phone(n uint64) string {
	var b strings.Builder
	b.WriteString("+9997")
	fmt.Fprintf(&b, "%08d", n%1e8)
	return b.String()
}

// HouseholdID is the key of a household.
func (c *Country) HouseholdID(i int) db.ID { return c.id(keyHousehold, i, 0) }
