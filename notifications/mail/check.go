package mail

import (
	"fmt"
	"io"
	"strings"
)

// trial writes the sample letters of a kind and says what is wrong with them.
func (f form) trial(l *language, kind Kind) error {
	for _, sample := range samples(kind, l.tag) {
		if err := f.alone.Execute(io.Discard, page{sample.oneLine(), "a subject"}); err != nil {
			return plainly(err) // which would be told of the layout around it
		}
		w, err := f.write(sample)
		if err != nil {
			return err
		}
		if err := w.check(formName(l, kind), sample); err != nil {
			return err
		}
	}
	return nil
}

// check holds a written letter to what it is sent for.
func (w written) check(name string, sample Letter) error {
	if len(w.subject) > longestSubject {
		return fmt.Errorf("%s.txt:1: the subject of a sample has %d bytes, more than %d", name, len(w.subject), longestSubject)
	}
	if !sample.Secret() {
		return nil
	}
	switch {
	case strings.Contains(w.subject, sample.ContractID):
		return fmt.Errorf("%s.txt:1: the Contract ID is in the subject, which mail servers write into their logs", name)
	case !strings.Contains(w.text, sample.ContractID) || !strings.Contains(w.text, sample.AccessID):
		return fmt.Errorf("%s.txt: the letter is sent for .AccessID and .ContractID, and does not have both", name)
	case !strings.Contains(w.html, sample.ContractID) || !strings.Contains(w.html, sample.AccessID):
		return fmt.Errorf("%s.html: the letter is sent for .AccessID and .ContractID, and does not have both", name)
	}
	return nil
}

// longestSubject is what a sample's subject may have, in bytes.
const longestSubject = 250
