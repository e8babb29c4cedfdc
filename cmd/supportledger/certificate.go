package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/supportledger/supportledger/internal/reread"
)

// A certificate is one in two files, PEM, which are read again when they have
// changed: who is connected stays so, who comes next meets the new one.
type certificate struct {
	cert, key string // files
	flags     string // that name them
	log       *slog.Logger

	mu     sync.Mutex
	looked time.Time
	seen   [2]os.FileInfo
	pair   *tls.Certificate
	told   string // what was last wrong with the files
}

// certificateEvery is how often the files are looked at, at most.
const certificateEvery = time.Second

// openCertificate reads the files, which must belong together.
func openCertificate(cert, key, flags string, log *slog.Logger) (*tls.Config, error) {
	c := &certificate{cert: cert, key: key, flags: flags, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}, nil
}

// get is the certificate for a connection. Files with a mistake, such as two of
// which one has been replaced yet, leave the one in force that was read before.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < certificateEvery {
		return c.pair, nil
	}
	switch changed, err := c.look(); {
	case err != nil && c.told != err.Error():
		c.told = err.Error()
		c.log.Error("the certificate read before stays in force", "error", err)
	case changed:
		c.told = ""
		c.log.Info("a certificate has changed", "file", c.cert, "until", c.pair.Leaf.NotAfter)
	}
	return c.pair, nil
}

// look reads the files if they have changed.
func (c *certificate) look() (changed bool, err error) {
	c.looked = time.Now()
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return false, fmt.Errorf("read %s: %w", c.flags, err)
		}
		changed = changed || !reread.Unchanged(c.seen[i], info)
	}
	if !changed {
		return false, nil
	}
	return true, c.read()
}

func (c *certificate) read() (err error) {
	var seen [2]os.FileInfo
	for i, path := range []string{c.cert, c.key} {
		if seen[i], err = os.Stat(path); err != nil {
			return fmt.Errorf("read %s: %w", c.flags, err)
		}
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.flags, err)
	}
	c.looked, c.seen, c.pair = time.Now(), seen, &pair
	return nil
}
