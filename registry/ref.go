package registry

import (
	"bytes"
	"crypto/sha256"
	"io"
	"strings"
	"unicode"

	"daftar/db"
	"daftar/i18n"
)

// alphabet has 31 characters: digits and capitals without 0, 1, I, L and O,
// which are misread, on paper and over the telephone. 31 is prime, so the check character
// finds every single wrong character and every swap of two neighbours.
const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// Kinds of public reference; the first character of a reference.
const (
	RefPerson     = 'P'
	RefHousehold  = 'H'
	RefCase       = 'C'
	RefDecision   = 'D'
	RefCredential = 'V'
	RefBatch      = 'B'
	RefAreas      = 'A' // a change of areas
	RefGroup      = 'G'
	RefAmendment  = 'M'
	RefQuestion   = 'Q' // about a look at one's record
	RefDelay      = 'W' // of what somebody is told (withheld)
	RefAlert      = 'N' // about a pattern of reading (notice)
	RefCheck      = 'T' // of the audit log (test)
	RefEntry      = 'E' // of the audit log, derived
	RefOfficer    = 'S' // a member of staff, derived
	RefKin        = 'K' // a declaration of staff
	RefSettings   = 'R' // a change of settings
	RefStaff      = 'U' // who works here
	RefFile       = 'F' // a photo that is an answer
	RefPair       = 'J' // two records that may be of one person
	RefMapping    = 'X' // of files to import
	RefNotice     = 'Z'
	RefLetter     = 'Y'
	RefCopy       = '3' // of all that is known about somebody
	RefConsent    = '4'
	RefDelegation = '2' // with a power to act for somebody
	RefPasskey    = '7' // of a member of staff
	RefEmergency  = '8' // a record that two people opened
	RefErasure    = '5' // of a person whose time is over
	RefHold       = '6' // what keeps something from being deleted
)

const refLen = 10 // nine random characters (31^9 = 2.6e13) and the check character

// NewRef makes a public reference such as "C-7KQ2M-9XDWA". References name
// things to people; they are random and open nothing by themselves.
func NewRef(kind rune, random io.Reader) string {
	return RefOf(kind, RandomCode(refLen-1, random))
}

// RefOf makes a reference of nine characters of the alphabet, for a program that
// draws them in its own way.
func RefOf(kind rune, body string) string {
	body += string(checkChar(string(kind) + body))
	return string(kind) + "-" + body[:5] + "-" + body[5:]
}

// DerivedRef makes the reference of something that has none of its own from what
// identifies it. Nobody can get back from it to that.
func DerivedRef(kind rune, from ...db.ID) string {
	h := sha256.New()
	_, _ = h.Write([]byte("daftar reference " + string(kind)))
	for _, id := range from {
		_, _ = h.Write(id[:])
	}
	return NewRef(kind, bytes.NewReader(append(h.Sum(nil), bytes.Repeat([]byte{0}, 2*refLen)...)))
}

// RandomCode returns n characters of the reference alphabet, evenly drawn.
func RandomCode(n int, random io.Reader) string {
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		if _, err := io.ReadFull(random, buf); err != nil {
			panic("no random bytes: " + err.Error()) // the operating system's source does not fail
		}
		for _, b := range buf {
			if b < 248 && len(out) < n { // 8 * 31: no character is likelier than another
				out = append(out, alphabet[b%31])
			}
		}
	}
	return string(out)
}

// Typed is a reference or code as it is compared, whatever way it was typed:
// any case and digits, spaces or hyphens anywhere, marks of direction from a
// page that it was copied from.
func Typed(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) {
			return -1
		}
		return r
	}, i18n.LatinDigits(s)))
}

// ParseRef reads a reference as people type it. It returns the canonical form,
// or false when the kind or the check character is wrong.
func ParseRef(kind rune, s string) (string, bool) {
	s = Typed(s)
	if len(s) != 1+refLen || rune(s[0]) != kind {
		return "", false
	}
	for _, r := range s[1:] {
		if !strings.ContainsRune(alphabet, r) {
			return "", false
		}
	}
	if s[refLen] != checkChar(s[:refLen]) {
		return "", false
	}
	return s[:1] + "-" + s[1:6] + "-" + s[6:], true
}

// checkChar is a weighted sum modulo 31. The kind counts too, so that a case
// number read as a household's is refused.
func checkChar(s string) byte {
	sum := int(s[0])
	for i := 1; i < len(s); i++ {
		sum += (i + 1) * strings.IndexByte(alphabet, s[i])
	}
	return alphabet[sum%31]
}
