package catalogfile

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/supportledger/supportledger/domain/catalog"
)

// maxNumber bounds every number in a file, so that sums of many fit.
const maxNumber = 1 << 40

// catalogue checks what was read and builds its values. The result is of use
// only where nothing was wrong.
func (r *reading) catalogue(f *file) *catalog.Catalog {
	r.filled("vendor", f.Vendor)
	r.filled("agreement.version", f.Agreement.Version)
	r.address("agreement.url", f.Agreement.URL)
	c := &catalog.Catalog{
		Vendor:         f.Vendor,
		Agreement:      catalog.Agreement{Version: f.Agreement.Version, URL: f.Agreement.URL},
		ReopenDays:     r.between("reopen_days", f.ReopenDays, 0, maxDays),
		ReclassifyDays: r.between("reclassify_days", f.ReclassifyDays, 0, maxDays),
		FewLeft:        r.fewLeft(f.FewLeft),
		Attachments:    r.attachments(&f.Attachments),
	}
	if f.ReclassifyDays < f.ReopenDays {
		r.wrong("reclassify_days", "%d is less than reopen_days, %d; what can be reopened can be reclassified", f.ReclassifyDays, f.ReopenDays)
	}
	r.offers(f, c)
	r.promises(f, c)
	c.Resources = r.resources(f.Resources, c)
	c.Communities = r.communities(f.Communities, c)
	return c
}

// maxDays is the longest span of days in a file: ten years.
const maxDays = 3660

func (r *reading) fewLeft(given []int64) []int {
	few := make([]int, len(given))
	for i, n := range given {
		k := key("few_left").at(i)
		few[i] = r.between(k, n, 1, maxNumber)
		if i > 0 && n >= given[i-1] {
			r.wrong(k, "%d does not come below %d; the numbers descend", n, given[i-1])
		}
	}
	return few
}

var contentType = regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]+$`)

func (r *reading) attachments(l *limits) catalog.AttachmentLimits {
	k := key("attachments")
	r.between(k.of("max_bytes"), l.MaxBytes, 1, maxNumber)
	r.between(k.of("max_bytes_per_account"), l.MaxBytesPerAccount, 1, maxNumber)
	if l.MaxBytesPerAccount < l.MaxBytes {
		r.wrong(k.of("max_bytes_per_account"), "%d is less than max_bytes, %d", l.MaxBytesPerAccount, l.MaxBytes)
	}
	for i, t := range l.Types {
		if !contentType.MatchString(t) {
			r.wrong(k.of("types").at(i), "%s is not a content type like text/plain", quote(t))
		}
	}
	r.distinct(k.of("types"), l.Types)
	return catalog.AttachmentLimits{
		MaxBytes:           l.MaxBytes,
		MaxBytesPerAccount: l.MaxBytesPerAccount,
		MaxPerRequest:      r.between(k.of("max_per_request"), l.MaxPerRequest, 0, 1000),
		Types:              present(l.Types),
	}
}

// filled refuses an empty text, and one with spaces around it or control
// characters in it.
func (r *reading) filled(k key, s string) {
	if strings.TrimSpace(s) == "" {
		r.wrong(k, "is empty")
	} else if strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.wrong(k, "%s has spaces around it or control characters in it", quote(s))
	}
}

// address refuses what is not a whole web address.
func (r *reading) address(k key, s string) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(s, " \t\n") {
		r.wrong(k, "%s is not an address like https://example.com/help", quote(s))
	}
}

func (r *reading) between(k key, n, least, most int64) int {
	if n < least || n > most {
		r.wrong(k, "%d is not between %d and %d", n, least, most)
	}
	return int(n)
}

// oneOf refuses a value that is not among the known ones; what and whats name
// one and several of them.
func (r *reading) oneOf(k key, value, what, whats string, known []string) bool {
	if slices.Contains(known, value) {
		return true
	}
	if len(known) == 0 {
		return false // that there are none is a mistake of its own
	}
	r.wrong(k, "no %s %s; %s are %s", what, quote(value), whats, strings.Join(distinctNames(known), ", "))
	return false
}

// distinctNames lists each name once, in order.
func distinctNames(names []string) []string {
	var once []string
	for _, name := range names {
		if name != "" && !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

// distinct refuses values that stand in a list twice.
func (r *reading) distinct(k key, values []string) {
	for i, value := range values {
		if slices.Contains(values[:i], value) {
			r.wrong(k.at(i), "%s stands in the list already", quote(value))
		}
	}
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$`)

// ids checks the ids and names of a list's elements and returns the ids.
func ids[T any](r *reading, k key, list []T, of func(*T) (id, name string)) []string {
	known := make([]string, len(list))
	for i := range list {
		id, name := of(&list[i])
		r.filled(k.at(i).of("name"), name)
		here := k.at(i).of("id")
		if !idForm.MatchString(id) {
			r.wrong(here, "%s is not an id; ids are up to 64 letters, digits, dots and hyphens", quote(id))
		} else if first := slices.Index(known[:i], id); first >= 0 {
			r.wrong(here, "%s is the id of %s already", quote(id), k.at(first))
		}
		known[i] = id
	}
	return known
}

// some refuses an empty list.
func (r *reading) some(k key, length int) {
	if length == 0 {
		r.wrong(k, "is empty; it needs at least one")
	}
}

// present makes no list an empty one, so that it is shown as such.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// quote writes a value from the file, shortened, as one line.
func quote(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		s = string(runes[:60]) + "..."
	}
	return fmt.Sprintf("%q", s)
}
