package transfer

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// Jobs are imports that go on while nobody waits for them: whoever has begun one
// asks how far it is. They live in memory, since a file holds Contract IDs, which
// are kept nowhere in clear (R3). A process that ends stops them; the same file
// again goes on where they were.
type Jobs struct {
	mu      sync.Mutex
	jobs    map[uuid.UUID]*job
	order   []uuid.UUID // oldest first
	running bool
	ended   sync.WaitGroup
	stop    context.CancelFunc
	ctx     context.Context
}

// keptJobs is how many reports are kept.
const keptJobs = 100

// A job is one import.
type job struct {
	Job
	content [32]byte // of what it was begun with
}

// A Job is what whoever has begun an import may know of it.
type Job struct {
	ID       uuid.UUID
	By       uuid.UUID // the account that has begun it
	State    JobState
	Stage    string // what it is at
	Done, Of int64  // bytes of the file that the stage has seen
	Report   Report // as far as it is known
	Failure  error  // why it has failed
	BegunAt  time.Time
	EndedAt  time.Time
}

// A JobState says whether an import goes on.
type JobState string

// The states.
const (
	JobRunning  JobState = "running"
	JobDone     JobState = "done"     // imported, or found right by a dry run
	JobMistaken JobState = "mistaken" // found mistakes
	JobFailed   JobState = "failed"   // could not be done to its end
)

// NewJobs returns jobs that go on until they are closed.
func NewJobs() *Jobs {
	j := &Jobs{jobs: map[uuid.UUID]*job{}}
	j.ctx, j.stop = context.WithCancel(context.Background())
	return j
}

// Close stops what runs, and waits until it has ended.
func (j *Jobs) Close() {
	j.stop()
	j.ended.Wait()
}

// Begin begins an import of a text. The same id again, with the same content,
// finds the import that was begun; with another it is refused. One import runs at
// a time: another is refused with ImportRunning.
func (j *Jobs) Begin(id uuid.UUID, importer Importer, format Format, text []byte, content [32]byte, dryRun bool, now func() time.Time) (_ Job, replayed bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if known := j.jobs[id]; known != nil {
		if known.content != content {
			return Job{}, false, domain.Refuse("idempotency-key-reused", "use a new Idempotency-Key for a new request", "this Idempotency-Key was used before with another body")
		}
		return known.Job, true, nil
	}
	if j.running {
		return Job{}, false, domain.Refuse(ImportRunning, "wait until it is done; GET /v1/imports/{id} tells", "another import is running")
	}
	if j.ctx.Err() != nil {
		return Job{}, false, context.Canceled
	}
	made := &job{Job: Job{ID: id, By: importer.By.Account, State: JobRunning, Stage: "check", Of: int64(len(text)), BegunAt: now()}, content: content}
	made.Report.DryRun = dryRun
	j.jobs[id], j.order, j.running = made, append(j.order, id), true
	for len(j.order) > keptJobs {
		delete(j.jobs, j.order[0])
		j.order = j.order[1:]
	}
	importer.Progress = func(stage string, done, of int64) {
		j.mu.Lock()
		defer j.mu.Unlock()
		made.Stage, made.Done, made.Of = stage, done, of
	}
	file := File{format, int64(len(text)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}
	j.ended.Go(func() {
		report, err := importer.Run(j.ctx, file, dryRun)
		j.mu.Lock()
		defer j.mu.Unlock()
		j.running = false
		made.end(report, err, now())
	})
	return made.Job, false, nil
}

// ImportRunning is the code that refuses a second import at the same time.
const ImportRunning = "import-running"

func (j *job) end(report Report, err error, at time.Time) {
	j.Report, j.EndedAt, j.State = report, at, JobDone
	switch {
	case err != nil:
		j.State, j.Failure = JobFailed, err
	case report.MistakeCount > 0:
		j.State = JobMistaken
	}
}

// Get is an import as it is now.
func (j *Jobs) Get(id uuid.UUID) (Job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if known := j.jobs[id]; known != nil {
		return known.Job, true
	}
	return Job{}, false
}
