package audit

import (
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

// A FileCheck says whether a file that an account has attached to an incident is
// stored, whole, with the content that its digest names (R26). Several goroutines
// call it.
type FileCheck func(account uuid.UUID, a contract.Attachment) error

// allowsFiles holds that files are attached once, by the command that submits
// the incident, by whoever submits it.
func (c *contractCheck) allowsFiles(r *recorded, e *contract.IncidentFilesAttached, in *incidentCheck) *wrong {
	switch {
	case r.Meta.Command != c.submitting || c.submitted != e.Number || in.filed:
		return breaks(LawFiles, "files are attached to %v, which was not submitted just before, by the same command", e.Number)
	case e.Texts.Person != in.account:
		return breaks(LawFiles, "files of account %s are attached to %v, which account %s has submitted", e.Texts.Person, e.Number, in.account)
	case len(e.Attachments) == 0:
		return breaks(LawFiles, "no file is attached to %v", e.Number)
	}
	if c.files == nil {
		return nil
	}
	for _, a := range e.Attachments {
		if err := c.files(in.account, a); err != nil {
			return breaks(LawFiles, "%s, of incident %v: %v", a.SHA256, e.Number, err)
		}
	}
	return nil
}
