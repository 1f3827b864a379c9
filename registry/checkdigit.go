package registry

import "strings"

// CheckDigits lists the schemes. Each has the message "check_digit.<code>".
func CheckDigits() []string { return []string{"none", "luhn", "verhoeff", "mod97"} }

// CheckDigit reports whether a normalised value ends with the check digit that
// the scheme asks for: "luhn" (ISO/IEC 7812-1), "verhoeff", "mod97" (ISO/IEC
// 7064, MOD 97-10, letters as 10 to 35) or "none". Letters and marks that the
// scheme does not know are wrong.
func CheckDigit(scheme, value string) bool {
	switch scheme {
	case "none", "":
		return true
	case "luhn":
		return luhn(value)
	case "verhoeff":
		return verhoeff(value)
	case "mod97":
		return mod97(value)
	}
	return false
}

func digits(s string) ([]int, bool) {
	list := make([]int, 0, len(s))
	for _, r := range s {
		if r < '0' || r > '9' {
			return nil, false
		}
		list = append(list, int(r-'0'))
	}
	return list, len(list) > 1
}

func luhn(s string) bool {
	list, ok := digits(s)
	sum := 0
	for i, d := range list {
		if (len(list)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return ok && sum%10 == 0
}

// The multiplication of the dihedral group D5, and the permutation by place.
var (
	dihedral = [10]string{"0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210"}
	permuted = [8]string{"0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258"}
)

func verhoeff(s string) bool {
	list, ok := digits(s)
	c := 0
	for i := range list {
		d := list[len(list)-1-i]
		c = int(dihedral[c][permuted[i%8][d]-'0'] - '0')
	}
	return ok && c == 0
}

func mod97(s string) bool {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	rest := 0
	for _, r := range s {
		v := strings.IndexRune(letters, r)
		switch {
		case v < 0:
			return false
		case v < 10:
			rest = (rest*10 + v) % 97
		default:
			rest = (rest*100 + v) % 97
		}
	}
	return len(s) > 2 && rest == 1
}
