package api

import (
	"strconv"
	"strings"
)

// A language of what people read in answers.
type language byte

const (
	english language = iota
	indonesian
)

// languageOf is the language that an Accept-Language header prefers among those
// there are; English where it names neither.
func languageOf(header string) language {
	if header == "" {
		return english
	}
	best, lang := 0.0, english
	for part := range strings.SplitSeq(header, ",") {
		tag, quality := weighed(part)
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		switch {
		case quality <= best:
		case primary == "id" || primary == "in":
			best, lang = quality, indonesian
		case primary == "en" || primary == "*":
			best, lang = quality, english
		}
	}
	return lang
}

// weighed splits "id;q=0.8".
func weighed(part string) (tag string, quality float64) {
	tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
	value, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
	if !ok {
		return tag, 1
	}
	quality, err := strconv.ParseFloat(value, 64)
	if err != nil || quality < 0 || quality > 1 {
		return tag, 0
	}
	return tag, quality
}

// in is the problem in a language. Details that name what a request asked for
// stay in English where no sentence stands for them.
func (p *Problem) in(lang language) *Problem {
	if lang == english {
		return p
	}
	code := p.Code
	if p.of != "" {
		code += " " + p.of
	}
	s, ok := kalimat[code]
	if !ok {
		return p
	}
	translated := *p
	translated.Title = s.title
	if s.detail != "" {
		translated.Detail = s.detail
	}
	if s.hint != "" {
		translated.Hint = s.hint
	}
	return &translated
}
