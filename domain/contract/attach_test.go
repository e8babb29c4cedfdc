package contract

import (
	"testing"

	"github.com/supportledger/supportledger/domain"
)

var (
	theFiles = []Attachment{{SHA256: "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", Type: "image/png", Size: 12}}
	theNames = domain.Sealed[AttachmentTexts]{Person: ani, Box: []byte("names")}
)

func withFiles(c *Submit) { c.Files = &Files{Attachments: theFiles, Texts: theNames} }

func attached(n Number) facts {
	return facts{&IncidentFilesAttached{Number: n, Attachments: theFiles, Texts: theNames}}
}

func TestR26_AttachingFiles(t *testing.T) {
	filesAtOffice := func(c *Submit) { aboutOffice(c); withFiles(c) }
	spec{
		"in the append of the submission, last":      {given(active(2), linked(ani)), when(submit(withFiles)), then(submitted(1), deducted(1, 1, 1), attached(1))},
		"by its IDs":                                 {active(2), when(submit(byPair, withFiles)), then(linked(ani), submitted(1), deducted(1, 1, 1), attached(1))},
		"where no contract pays":                     {nothing, when(submit(filesAtOffice)), thenEvents("incident.submitted.v1", "incident.files-attached.v1")},
		"nothing is recorded where there is none":    {given(active(2), linked(ani)), when(submit()), then(submitted(1), deducted(1, 1, 1))},
		"a digest that the account has not uploaded": {given(active(2), linked(ani)), when(submit(func(c *Submit) { c.Files = &Files{Unknown: []int{1}} })), refuses("attachment-unknown:attachments[1].sha256")},
		"nor of one that is refused":                 {given(active(0), linked(ani)), when(submit(withFiles)), refuses("none-available")},
	}.run(t)
}

// An incident's revisions name the event, so that whoever adds an incident up
// meets its files.
func TestAnIncidentsFilesAreAmongItsEvents(t *testing.T) {
	s := new(State)
	Evolve(s, given(active(2), linked(ani), paid(1, 1), attached(1))...)
	last := s.Version() - 1
	if got := s.Revisions(1); len(got) != 3 || got[2] != last {
		t.Errorf("the revisions are %v, want the last to be %d", got, last)
	}
	var c Case
	for _, e := range given(paid(1, 1), attached(1)) {
		c.Apply(e, instant(now))
	}
	if c.Attached == nil || len(c.Attached.Attachments) != 1 {
		t.Errorf("the case has %+v", c.Attached)
	}
}
