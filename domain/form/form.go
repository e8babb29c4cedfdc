// Package form says whether texts that people send have the form of what they
// are to be, whoever takes them in: a call, or a file that is imported.
package form

import "strings"

// IsLine says whether a text has no control characters.
func IsLine(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// IsAddress says whether a text may be an e-mail address: whether a mail arrives
// there is another matter.
func IsAddress(s string) bool {
	local, host, ok := strings.Cut(s, "@")
	return ok && local != "" && host != "" && isPart(local) && isPart(host)
}

func isPart(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f || strings.IndexByte(`@<>(),;:"\`, s[i]) >= 0 {
			return false
		}
	}
	return true
}

// IsTag says whether a text has the form of a language tag (BCP 47).
func IsTag(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if len(part) > 8 || len(part) < 1 || i == 0 && len(part) < 2 {
			return false
		}
		for j := range len(part) {
			letter := 'a' <= part[j]|0x20 && part[j]|0x20 <= 'z'
			digit := '0' <= part[j] && part[j] <= '9'
			if !letter && (i == 0 || !digit) {
				return false
			}
		}
	}
	return true
}
