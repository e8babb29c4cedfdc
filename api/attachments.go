package api

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/form"
	"github.com/supportledger/supportledger/ledger"
)

const (
	attachmentsPath = "/v1/attachments"
	uploadsPath     = attachmentsPath + "/uploads"
	octets          = "application/octet-stream"
)

func (a *API) registerAttachments() {
	const tag = "Attachments"
	register(a, "upload-attachment", http.StatusCreated, texts{tag, "Upload a file", "The body is the file, whatever its Content-Type says: its type is sniffed " +
		"from its content. It is named by its SHA-256, under which an incident of the same account may take it along; unused it is removed after 24 hours."}, a.uploadAttachment)
	register(a, "get-attachment", http.StatusOK, texts{tag, "A file's content",
		"One's own; for engineers also what hangs on an incident. Anything else is attachment-not-found."}, a.getAttachment)
	a.registerUploads(tag)
}

// An attachmentView is a file that was uploaded.
type attachmentView struct {
	SHA256     string    `json:"sha256" doc:"Of its content; incidents and later calls name it by this" example:"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"`
	Type       string    `json:"type" doc:"Sniffed from its content" example:"image/png"`
	Size       int64     `json:"size" doc:"Bytes"`
	UploadedAt time.Time `json:"uploaded_at"`
}

func renderAttachment(s *attachments.Stored) attachmentView {
	return attachmentView{s.SHA256, s.Type, s.Size, s.UploadedAt}
}

type uploadInput struct {
	ContentType string `header:"Content-Type" maxLength:"200" hidden:"true"`
}

// uploaded is the answer to an upload. Files are not in the log, and so it names
// no position.
type uploaded struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true where this is the first answer to the key again"`
	Body     attachmentView
}

func (a *API) uploadAttachment(ctx context.Context, c *call, in *uploadInput) (*uploaded, error) {
	if kind, _, err := mime.ParseMediaType(in.ContentType); err == nil && strings.HasPrefix(kind, "multipart/") {
		return nil, problem("unsupported-media-type", "the body must be the file itself, not a form", "send the file's bytes as the body, with Content-Type: "+octets)
	}
	stored, err := a.Attachments.Put(ctx, c.account(), a.commandOf(c), a.steady(c), c.length)
	if err != nil {
		return nil, cameBroken(err)
	}
	out := &uploaded{Status: http.StatusCreated, Body: renderAttachment(&stored)}
	if stored.Replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// commandOf is what a repeat of a call is recognised by where the log does not
// know it.
func (a *API) commandOf(c *call) uuid.UUID {
	return a.Keys.Command(c.account(), c.route.method+" "+c.route.path, "", c.key)
}

// cameBroken says of a body that failed what takeBody would.
func cameBroken(err error) error {
	if broken, ok := errors.AsType[*attachments.SourceError](err); ok {
		return unread(broken.Err)
	}
	return err
}

type attachmentInput struct {
	SHA256 string `path:"sha256" doc:"The file's SHA-256, in lower-case hex"`
}

func (a *API) getAttachment(ctx context.Context, c *call, in *attachmentInput) (*huma.StreamResponse, error) {
	// The content is read with the context that it was found with, after this has
	// returned: only the finding is bounded.
	reading, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(a.RequestTimeout, cancel)
	content, err := a.findAttachment(reading, c, in.SHA256)
	if inTime := late.Stop(); err != nil {
		cancel()
		if !inTime {
			err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		}
		return nil, err
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		defer cancel()
		defer content.Close()
		h := c.Header()
		h.Set("Content-Type", content.Type)
		h.Set("Content-Length", strconv.FormatInt(content.Size, 10))
		h.Set("Content-Disposition", `attachment; filename="`+content.SHA256[:16]+extensions[content.Type]+`"`)
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
		if c.head {
			return
		}
		if _, err := content.WriteTo(a.slowly(c, content.Size)); err != nil {
			c.cause = err
			panic(http.ErrAbortHandler) // so that nobody takes a part for the whole
		}
	}}, nil
}

// extensions are what files of some types are called; what people called them
// stands with the incident.
var extensions = map[string]string{
	"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/bmp": ".bmp", "image/webp": ".webp",
	"text/plain": ".txt", "text/xml": ".xml", "application/pdf": ".pdf", "application/zip": ".zip", "application/x-gzip": ".gz",
}

// findAttachment opens a file that the caller may read: one's own, and for an
// engineer one that hangs on an incident. Where there is none the answer is the
// same, whatever the reason (R36).
func (a *API) findAttachment(ctx context.Context, c *call, sha256 string) (*attachments.Content, error) {
	content, err := a.ownAttachment(ctx, c.account(), sha256)
	if err == nil || !errors.Is(err, attachments.ErrUnknown) || !slices.Contains(c.claims.Roles, string(ledger.Engineer)) {
		return content, err
	}
	content, err = a.attachedBySomebody(ctx, sha256)
	if errors.Is(err, attachments.ErrUnknown) { // the index may not have seen the incident yet
		if err := a.awaitHead(ctx); err != nil {
			return nil, err
		}
		content, err = a.attachedBySomebody(ctx, sha256)
	}
	return content, err
}

// ownAttachment opens an account's file. One that hangs on no incident is gone
// after a day, whether it was swept or not.
func (a *API) ownAttachment(ctx context.Context, account uuid.UUID, sha256 string) (*attachments.Content, error) {
	content, err := a.Attachments.Get(ctx, account, sha256)
	if err != nil {
		return nil, err
	}
	kept, err := a.keeps(ctx, account, &content.Stored)
	if err == nil && !kept {
		err = attachments.ErrUnknown
	}
	if err != nil {
		return nil, errors.Join(err, content.Close())
	}
	return content, nil
}

// keeps says whether a file's time is not over, or it hangs on an incident.
func (a *API) keeps(ctx context.Context, account uuid.UUID, s *attachments.Stored) (bool, error) {
	if a.Ledger.Now().Sub(s.UploadedAt) <= attachments.UnusedFor {
		return true, nil
	}
	attached, err := a.Projections.Files.Attached(ctx, account, s.SHA256)
	if err != nil || attached {
		return attached, err
	}
	if err := a.awaitHead(ctx); err != nil {
		return false, err
	}
	return a.Projections.Files.Attached(ctx, account, s.SHA256)
}

// mostOwners is among how many accounts a file is looked for: the first whose
// file can still be read will do, since they all hold the same.
const mostOwners = 100

func (a *API) attachedBySomebody(ctx context.Context, sha256 string) (*attachments.Content, error) {
	if !attachments.IsDigest(sha256) {
		return nil, attachments.ErrUnknown
	}
	owners, err := a.Projections.Files.Owners(ctx, sha256, mostOwners)
	if err != nil {
		return nil, err
	}
	last := attachments.ErrUnknown
	for _, owner := range owners {
		content, err := a.Attachments.Get(ctx, owner, sha256)
		if err == nil {
			return content, nil
		}
		last = err
	}
	return nil, last
}

// attach adds the files that a submission names to the wish for it. They are not
// swept until release.
func (a *API) attach(ctx context.Context, c *call, wish *ledger.Submission, files []attachmentBody) (release func(), err error) {
	if most := a.Catalog.Attachments.MaxPerRequest; len(files) > most {
		return nil, invalid("attachments", "must have at most so many entries: "+strconv.Itoa(most))
	}
	digests, names := make([]string, len(files)), make([]string, len(files))
	for i, file := range files {
		at := "attachments[" + strconv.Itoa(i) + "]"
		switch {
		case !attachments.IsDigest(file.SHA256):
			return nil, invalid(at+".sha256", "must be the SHA-256 of a file that was uploaded, 64 hexadecimal digits in lower case")
		case slices.Contains(digests[:i], file.SHA256):
			return nil, invalid(at+".sha256", "is there twice")
		case file.Name == "" || !form.IsLine(file.Name) || strings.ContainsAny(file.Name, `/\`):
			return nil, invalid(at+".name", "must be a file's name, without folders")
		}
		digests[i], names[i] = file.SHA256, file.Name
	}
	stored, missing, release, err := a.claim(ctx, c.account(), digests)
	if err != nil {
		return nil, err
	}
	wish.Files = &contract.Files{Unknown: missing} // refused when decided: this may be a repeat
	wish.Files.Texts.Clear = &contract.AttachmentTexts{Names: names}
	for _, s := range stored {
		wish.Files.Attachments = append(wish.Files.Attachments, contract.Attachment{SHA256: s.SHA256, Type: s.Type, Size: s.Size})
	}
	return release, nil
}

// claim finds files by their digests, among those whose time is not over.
func (a *API) claim(ctx context.Context, account uuid.UUID, digests []string) (stored []attachments.Stored, missing []int, release func(), err error) {
	stored, missing, release, err = a.Attachments.Claim(ctx, account, digests)
	if err != nil || len(missing) > 0 {
		return nil, missing, func() {}, err
	}
	for i := range stored {
		kept, err := a.keeps(ctx, account, &stored[i])
		if err != nil {
			release()
			return nil, nil, nil, err
		}
		if !kept {
			missing = append(missing, i)
		}
	}
	if len(missing) > 0 {
		release()
		return nil, missing, func() {}, nil
	}
	return stored, nil, release, nil
}
