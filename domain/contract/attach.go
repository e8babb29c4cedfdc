package contract

import (
	"fmt"

	"github.com/supportledger/supportledger/domain"
)

// An Attachment is a file that was uploaded before the incident it belongs to was
// submitted (R26). What it is called is a personal text and stands elsewhere.
type Attachment struct {
	SHA256 string `json:"sha256"` // of its content, in lower-case hex; it is fetched by this
	Type   string `json:"type"`   // sniffed from the content
	Size   int64  `json:"size"`   // bytes
}

// AttachmentTexts are the personal texts of attachments: what the files are
// called, in the order in which they are listed.
type AttachmentTexts struct {
	Names []string `json:"names"`
}

// Files are what a submission takes along.
type Files struct {
	Attachments []Attachment // that the account has uploaded
	Texts       domain.Sealed[AttachmentTexts]
	// Unknown are the places of those that the account has not uploaded: with
	// any, the submission is refused.
	Unknown []int
}

// attach is the event that follows a submission with files; none follows one
// without, so that the most frequent append stays as it is.
func (c *Submit) attach(n Number) []Event {
	if c.Files == nil {
		return nil
	}
	return []Event{&IncidentFilesAttached{Number: n, Attachments: c.Files.Attachments, Texts: c.Files.Texts}}
}

// refuseAttachments is the answer to digests of which the account has no file,
// whoever else has (R26).
func (c *Submit) refuseAttachments() *domain.Refusal {
	r := domain.Refuse("attachment-unknown", "upload the file first, with the same sign-in, and submit within a day",
		"not every attachment is a file that this account has uploaded")
	for _, i := range c.Files.Unknown {
		r.Fields = append(r.Fields, domain.Field{Name: fmt.Sprintf("attachments[%d].sha256", i), Reason: "names no file that this account has uploaded"})
	}
	return r
}

// IncidentFilesAttached says which files were submitted with an incident. It is
// recorded in the append of the submission.
type IncidentFilesAttached struct {
	Number      Number                         `json:"number"`
	Attachments []Attachment                   `json:"attachments"`
	Texts       domain.Sealed[AttachmentTexts] `json:"texts"`
}

// Name implements Event.
func (*IncidentFilesAttached) Name() string { return "incident.files-attached.v1" }

func (e *IncidentFilesAttached) evolve(s *State) { s.touch(e.Number) }
