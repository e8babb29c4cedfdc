package pebblestore

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// slackFile says by how much recorded times may run backwards along the log, in a
// store into which a log was copied that several nodes have written. There is no
// such file where times never do.
const slackFile = "slack"

// noteSlack writes the file durably; none for no slack.
func noteSlack(fs vfs.FS, dir string, slack time.Duration) error {
	if slack <= 0 {
		return nil
	}
	n, err := openNotepad(fs, fs.PathJoin(dir, slackFile), true)
	if err != nil {
		return err
	}
	us := uint64(slack.Microseconds())
	return errors.Join(n.write(us, 0), n.write(us, 0), n.sync(), n.file.Close(), syncDir(fs, dir))
}

// notedSlack reads it, in microseconds.
func notedSlack(fs vfs.FS, dir string) (int64, error) {
	path := fs.PathJoin(dir, slackFile)
	if _, err := fs.Stat(path); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	n, err := openNotepad(fs, path, false)
	if err != nil {
		return 0, err
	}
	return int64(n.size), n.file.Close()
}

// Slack is how far recorded times may run backwards along positions: 0, unless the
// store was made for a log in which they do. What is not copied is never recorded
// before the record that was the newest.
func (s *Store) Slack() time.Duration { return time.Duration(s.slack) * time.Microsecond }

func tooFarBehind(us int64, slack time.Duration) error {
	return fmt.Errorf("%w: the events were recorded %v before others that stand before them, and this store allows for %v",
		eventstore.ErrInvalid, time.Duration(us)*time.Microsecond, slack)
}
