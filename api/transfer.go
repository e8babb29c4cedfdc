package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/transfer"
)

const (
	importsPath = "/v1/imports"
	exportsPath = "/v1/exports"
	csvType     = "text/csv"
	jsonlType   = "application/x-ndjson"
)

// maxImport bounds the file of a call, in bytes; the command takes longer ones.
const maxImport = 64 << 20

func (a *API) registerTransfer() {
	const tag = "Import and export"
	register(a, "begin-import", http.StatusAccepted, texts{tag, "Import partners with their locations and contacts, contracts, opening balances and links",
		"The body is a file: " + csvType + " with a header, or " + jsonlType + ", a JSON object on each line, of at most 64 MiB. It is checked whole first; one mistake, and nothing is imported. " +
			"The answer tells where to ask how far it is. What was imported before stays as it is, so that the same file may be sent again at any time."}, a.beginImport)
	register(a, "get-import", http.StatusOK, texts{tag, "How far an import is, and what became of it",
		"Reports are kept in memory until the ledger stops; a file whose import was stopped by that goes on when it is sent again."}, a.getImport)
	register(a, "export", http.StatusOK, texts{tag, "All contracts with their partners, balances and links",
		"Never a Contract ID. Each contract is as it is when its rows are written."}, a.export)
}

type importInput struct {
	ContentType string `header:"Content-Type" maxLength:"200" hidden:"true"`
	DryRun      bool   `query:"dry_run" doc:"Check the file and import nothing"`
}

// An importView is an import as far as it is.
type importView struct {
	ID        string             `json:"id"`
	Status    string             `json:"status" enum:"running,done,mistaken,failed" doc:"mistaken: the file has mistakes, and nothing was imported unless started"`
	Stage     string             `json:"stage" doc:"What it is at: check, partners, locations, contacts, contracts, balances, links"`
	Done      int64              `json:"done" doc:"Bytes of the file that the stage has seen"`
	Of        int64              `json:"of"`
	DryRun    bool               `json:"dry_run"`
	Started   bool               `json:"started" doc:"Whether the file was found right and importing has begun"`
	Rows      int64              `json:"rows"`
	Partners  tallyView          `json:"partners"`
	Locations tallyView          `json:"locations"`
	Contacts  tallyView          `json:"contacts"`
	Contracts tallyView          `json:"contracts"`
	Balances  tallyView          `json:"balances"`
	Links     tallyView          `json:"links"`
	Years     tallyView          `json:"years" doc:"Membership years that rows of contracts tell of"`
	Mistakes  []transfer.Mistake `json:"mistakes" nullable:"false" doc:"The first thousand, in the order of the file"`
	Found     int64              `json:"mistake_count"`
	Failure   *string            `json:"failure" doc:"Why it could not be done to its end"`
	BegunAt   time.Time          `json:"begun_at"`
	EndedAt   *time.Time         `json:"ended_at"`
}

type tallyView struct {
	Rows      int64 `json:"rows"`
	New       int64 `json:"new" doc:"Recorded by this import"`
	Unchanged int64 `json:"unchanged" doc:"There already"`
}

func renderImport(j *transfer.Job) importView {
	r := &j.Report
	v := importView{
		ID: j.ID.String(), Status: string(j.State), Stage: j.Stage, Done: j.Done, Of: j.Of, DryRun: r.DryRun, Started: r.Started, Rows: r.Rows,
		Partners: tallyView(r.Partners), Locations: tallyView(r.Locations), Contacts: tallyView(r.Contacts),
		Contracts: tallyView(r.Contracts), Balances: tallyView(r.Balances), Links: tallyView(r.Links), Years: tallyView(r.Years),
		Mistakes: r.Mistakes, Found: r.MistakeCount, BegunAt: j.BegunAt, EndedAt: timeOrNull(j.EndedAt),
	}
	if v.Mistakes == nil {
		v.Mistakes = []transfer.Mistake{}
	}
	if j.Failure != nil {
		reason := problemOf(j.Failure).Detail // no more than a call would tell
		v.Failure = &reason
	}
	return v
}

type importBegun struct {
	Status   int
	Location string `header:"Location" doc:"Where to ask how far it is"`
	Replayed string `header:"Idempotency-Replayed" doc:"true where it had been begun before"`
	Body     importView
}

func (a *API) beginImport(_ context.Context, c *call, in *importInput) (*importBegun, error) {
	format, err := formatOf(in.ContentType)
	if err != nil {
		return nil, err
	}
	if c.length > maxImport {
		return nil, importTooLarge()
	}
	text, err := io.ReadAll(io.LimitReader(a.steady(c), maxImport+1))
	if err != nil {
		return nil, unread(err)
	}
	if len(text) > maxImport {
		return nil, importTooLarge()
	}
	content := sha256.Sum256(fmt.Appendf(slices.Clone(text), "%t %s", in.DryRun, format))
	importer := transfer.Importer{Ledger: a.Ledger, Catalog: a.Catalog, By: c.request("").By}
	job, replayed, err := a.Imports.Begin(a.commandOf(c), importer, format, text, content, in.DryRun, a.Ledger.Now)
	if err != nil {
		return nil, err
	}
	out := &importBegun{Status: http.StatusAccepted, Location: importsPath + "/" + job.ID.String(), Body: renderImport(&job)}
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}

func importTooLarge() error {
	return problem("body-too-large", fmt.Sprintf("the file is longer than %d bytes", maxImport), "divide the file, or use the command import")
}

func formatOf(contentType string) (transfer.Format, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && kind == csvType:
		return transfer.CSV, nil
	case err == nil && kind == jsonlType:
		return transfer.JSONL, nil
	}
	return "", problem("unsupported-media-type", "the body must be "+csvType+" or "+jsonlType, "send Content-Type: "+csvType)
}

type importReadInput struct {
	ID string `path:"id" doc:"The import's id"`
}

func (a *API) getImport(_ context.Context, c *call, in *importReadInput) (*shown[importView], error) {
	id, err := uuid.Parse(in.ID)
	job, found := a.Imports.Get(id)
	if err != nil || !found || job.By != c.account() {
		return nil, said("import-not-found")
	}
	return &shown[importView]{renderImport(&job)}, nil
}

type exportInput struct {
	AfterInput
	Format  string `query:"format" enum:"csv,jsonl" doc:"csv if left out"`
	Records string `query:"records" maxLength:"100" doc:"What to write, with commas in between: partner, location, contact, contract, balance, link; all if left out" example:"contract,balance"`
}

func (a *API) export(ctx context.Context, c *call, in *exportInput) (*huma.StreamResponse, error) {
	x := &transfer.Exporter{Ledger: a.Ledger, Directory: Directory{a.Projections.Contracts, a.Ledger.Now}}
	for _, name := range strings.Split(in.Records, ",") {
		switch {
		case slices.Contains(transfer.Records(), name):
			x.Records = append(x.Records, transfer.Record(name))
		case name != "":
			return nil, aField("malformed-parameter", "records", "names something else than "+strings.Join(transfer.Records(), ", "), "name those that are wanted, with commas in between")
		}
	}
	waiting, cancel := context.WithTimeout(ctx, a.RequestTimeout)
	defer cancel()
	if err := a.wait(waiting, in.After); err != nil {
		return nil, err
	}
	format, kind := transfer.CSV, csvType+"; charset=utf-8"
	if in.Format == string(transfer.JSONL) {
		format, kind = transfer.JSONL, jsonlType
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		c.Header().Set("Content-Type", kind)
		c.Header().Set("Content-Disposition", `attachment; filename="contracts.`+string(format)+`"`)
		if c.head {
			return
		}
		if err := x.Write(ctx, format, a.slowly(c, maxExport)); err != nil {
			c.cause = err
			panic(http.ErrAbortHandler) // so that nobody takes a part for the whole
		}
	}}, nil
}

// maxExport is by whose size an export is given time: about six days.
const maxExport = 2 << 30

// exportPage is how many contracts are listed at once.
const exportPage = 1000

// A Directory lists contracts for an export.
type Directory struct {
	Rows *projections.Contracts
	Now  func() time.Time
}

// Contracts implements transfer.Directory.
func (d Directory) Contracts(ctx context.Context, cursor string) (ids []uuid.UUID, next string, err error) {
	rows, err := d.Rows.List(ctx, d.Now(), projections.ContractFilter{}, projections.Page{Cursor: cursor, Limit: exportPage})
	for i := range rows.Items {
		ids = append(ids, rows.Items[i].ID)
	}
	return ids, rows.Next, err
}

// describeTransfer tells what bodies and answers that are not JSON look like,
// which huma cannot know.
func (a *API) describeTransfer() {
	text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	both := map[string]*huma.MediaType{csvType: text, jsonlType: text}
	paths := a.huma.OpenAPI().Paths
	paths[importsPath].Post.RequestBody = &huma.RequestBody{Required: true, Description: "The file", Content: both}
	paths[exportsPath].Get.Responses["200"].Content = both
}
