package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments"
)

// Large files come in parts, by tus 1.0: its core protocol and its extension
// creation. The two additions are that an upload's id derives from the
// Idempotency-Key, so that one whose first answer was lost is found again, and
// that the last answer names the file.

const (
	tusVersion = "1.0.0"
	partType   = "application/offset+octet-stream"
)

func (a *API) registerUploads(tag string) {
	register(a, "begin-upload", http.StatusCreated, texts{tag, "Begin to upload a large file in parts",
		"By tus 1.0 (core and creation). The parts go to the Location, in order, each by a PATCH. The same key again finds the same upload."}, a.beginUpload)
	register(a, "get-upload", http.StatusOK, texts{tag, "How far an upload has come",
		"By HEAD as tus has it, or by GET. Go on at Upload-Offset."}, a.getUpload)
	register(a, "continue-upload", http.StatusNoContent, texts{tag, "Send another part of a file",
		"What has come is kept, also where the line breaks. After the last part Attachment-SHA256 names the file."}, a.continueUpload)
}

// TusHeaders is what every answer about an upload says.
type TusHeaders struct {
	Version string `header:"Tus-Resumable" doc:"1.0.0"`
	Offset  string `header:"Upload-Offset" doc:"How many bytes have come"`
	Length  string `header:"Upload-Length" doc:"How many there will be"`
	SHA256  string `header:"Attachment-SHA256" doc:"The file's name, once all of it has come"`
}

func tusOf(up *attachments.Upload) TusHeaders {
	h := TusHeaders{Version: tusVersion, Offset: strconv.FormatInt(up.Offset, 10), Length: strconv.FormatInt(up.Length, 10)}
	if up.Stored != nil {
		h.SHA256 = up.Stored.SHA256
	}
	return h
}

// An uploadView is an upload as far as it has come.
type uploadView struct {
	ID         string          `json:"id"`
	Length     int64           `json:"length" doc:"How many bytes there will be"`
	Offset     int64           `json:"offset" doc:"How many have come"`
	Attachment *attachmentView `json:"attachment,omitempty" doc:"The file, once all of it has come"`
}

func renderUpload(up *attachments.Upload) uploadView {
	v := uploadView{ID: up.ID.String(), Length: up.Length, Offset: up.Offset}
	if up.Stored != nil {
		file := renderAttachment(up.Stored)
		v.Attachment = &file
	}
	return v
}

type beginInput struct {
	Length  int64  `header:"Upload-Length" required:"true" minimum:"1" doc:"How many bytes the file has"`
	Version string `header:"Tus-Resumable" maxLength:"20" doc:"1.0.0, or left out"`
}

type begun struct {
	Status   int
	Location string `header:"Location" doc:"Where the parts go"`
	Replayed string `header:"Idempotency-Replayed" doc:"true where the upload had been begun before"`
	TusHeaders
	Body uploadView
}

func (a *API) beginUpload(ctx context.Context, c *call, in *beginInput) (*begun, error) {
	if err := mustSpeak(in.Version); err != nil {
		return nil, err
	}
	up, err := a.Attachments.Begin(ctx, c.account(), a.commandOf(c), in.Length)
	if err != nil {
		return nil, err
	}
	out := &begun{Status: http.StatusCreated, Location: uploadsPath + "/" + up.ID.String(), TusHeaders: tusOf(&up), Body: renderUpload(&up)}
	if up.Replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// mustSpeak refuses versions of tus that came later.
func mustSpeak(version string) error {
	if version == "" || version == tusVersion {
		return nil
	}
	return aField("tus-version", "Tus-Resumable", "must be "+tusVersion, sentences["tus-version"].hint)
}

// UploadInput names an upload in the path.
type UploadInput struct {
	ID string `path:"id" doc:"The upload's id"`
}

// uploadID reads an upload's id; what is none names no upload.
func (in UploadInput) uploadID() (uuid.UUID, error) {
	id, err := uuid.Parse(in.ID)
	if err != nil || len(in.ID) != 36 {
		return uuid.Nil, attachments.ErrUnknown
	}
	return id, nil
}

type uploadReadInput struct {
	UploadInput
	Version string `header:"Tus-Resumable" maxLength:"20" doc:"1.0.0, or left out"`
}

type uploadShown struct {
	TusHeaders
	Body uploadView
}

func (a *API) getUpload(ctx context.Context, c *call, in *uploadReadInput) (*uploadShown, error) {
	if err := mustSpeak(in.Version); err != nil {
		return nil, err
	}
	id, err := in.uploadID()
	if err != nil {
		return nil, noUpload(err)
	}
	up, err := a.Attachments.Status(ctx, c.account(), id)
	if err != nil {
		return nil, noUpload(err)
	}
	return &uploadShown{tusOf(&up), renderUpload(&up)}, nil
}

type partInput struct {
	UploadInput
	Version     string `header:"Tus-Resumable" maxLength:"20" doc:"1.0.0, or left out"`
	Offset      int64  `header:"Upload-Offset" required:"true" minimum:"0" doc:"How many bytes have come already: where this part begins"`
	ContentType string `header:"Content-Type" maxLength:"200" hidden:"true"`
}

type partTaken struct {
	Status int
	TusHeaders
}

func (a *API) continueUpload(ctx context.Context, c *call, in *partInput) (*partTaken, error) {
	if err := mustSpeak(in.Version); err != nil {
		return nil, err
	}
	if in.ContentType != partType {
		return nil, problem("unsupported-media-type", "a part must be "+partType, "send Content-Type: "+partType)
	}
	id, err := in.uploadID()
	if err != nil {
		return nil, noUpload(err)
	}
	up, err := a.Attachments.Append(ctx, c.account(), id, in.Offset, a.steady(c))
	if err != nil {
		return nil, noUpload(cameBroken(err))
	}
	return &partTaken{http.StatusNoContent, tusOf(&up)}, nil
}

// noUpload says of an unknown upload that it is one.
func noUpload(err error) error {
	if p := problemOf(err); p.Code != "attachment-not-found" {
		return err
	}
	return said("upload-not-found")
}

// describeAttachments tells what bodies and answers that are not JSON look like,
// which huma cannot know.
func (a *API) describeAttachments() {
	bytesOf := func(kind string) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	}
	paths := a.huma.OpenAPI().Paths
	paths[attachmentsPath].Post.RequestBody = &huma.RequestBody{Required: true, Description: "The file", Content: bytesOf(octets)}
	paths[uploadsPath+"/{id}"].Patch.RequestBody = &huma.RequestBody{Required: true, Description: "The part", Content: bytesOf(partType)}
	ok := paths[attachmentsPath+"/{sha256}"].Get.Responses["200"]
	ok.Content = bytesOf("*/*")
	ok.Description = "The file, to be saved: never shown in place, never run."
}
