package yardstick

import (
	"strings"
	"testing"
	"time"
)

func TestPgbenchReportsAreRead(t *testing.T) {
	m, err := readPgbench(`number of transactions actually processed: 4184
number of failed transactions: 3 (0.072%)
latency average = 1.7 ms
tps = 1163.144675 (without initial connection time)
`)
	if err != nil || m.Rate != 1163.144675 || m.Asked != 4187 || m.Acknowledged != 4184 {
		t.Errorf("read %+v, %v", m, err)
	}
	if _, err := readPgbench("pgbench: error\n"); err == nil || !strings.Contains(err.Error(), "tps") {
		t.Errorf("a report without figures was read: %v", err)
	}
}

func TestSyncsAreTimed(t *testing.T) {
	took, err := Fdatasync(t.Context(), t.TempDir(), 1100, 20)
	if err != nil || took <= 0 || took > 10*time.Second {
		t.Errorf("a sync took %v, %v", took, err)
	}
}
