package vault

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func BenchmarkContractStream(b *testing.B) {
	k := Generate()
	b.ReportAllocs()
	for b.Loop() {
		k.ContractStream("0230242323", "1234567890")
	}
}

func BenchmarkCommand(b *testing.B) {
	k, account := Generate(), person(1)
	b.ReportAllocs()
	for b.Loop() {
		k.Command(account, "POST /v1/incidents", "9fc0cd10-2c25-8034-8954-5280db397aa3", "b7e0c6a4-3d5f-4a6e-9d65-0f0c6f3f1e11")
	}
}

func BenchmarkFingerprint600(b *testing.B) {
	k, body := Generate(), make([]byte, 600)
	b.ReportAllocs()
	for b.Loop() {
		k.Fingerprint(body)
	}
}

func BenchmarkMakeNumber(b *testing.B) {
	k := Generate()
	b.ReportAllocs()
	var counter uint32
	for b.Loop() {
		k.MakeNumber(june, counter)
		counter++
	}
}

func BenchmarkSealReady300(b *testing.B) {
	p, _ := newPeople(b)
	ctx, who, text := context.Background(), person(1), make([]byte, 300)
	seal(b, p, 1, "")
	b.ReportAllocs()
	for b.Loop() {
		p.Seal(ctx, who, text)
	}
}

func BenchmarkOpenReady300(b *testing.B) {
	p, _ := newPeople(b)
	ctx, who := context.Background(), person(1)
	box := seal(b, p, 1, string(make([]byte, 300)))
	b.ReportAllocs()
	for b.Loop() {
		p.Open(ctx, who, box)
	}
}

// Among a million people, hardly any key is ready.
func BenchmarkSealAMillionPeople(b *testing.B) {
	path := manyPeople(b, 1_000_000)
	before := heap()
	start := time.Now()
	p, err := OpenPeople(path)
	must(b, err)
	took := time.Since(start)
	index := heap() - before
	ctx, text, n := context.Background(), make([]byte, 300), 0
	for b.Loop() {
		p.Seal(ctx, person(n*7919%1_000_000), text)
		n++
	}
	b.ReportMetric(took.Seconds()*1000, "ms-to-open")
	b.ReportMetric(float64(index)/1e6, "MB-index")
	b.ReportMetric(float64(heap()-before)/1e6, "MB-in-use")
	must(b, p.Close())
}

func BenchmarkFirstText64Callers(b *testing.B) {
	p, _ := newPeople(b)
	next := make(chan int, 1024)
	b.ResetTimer()
	go func() {
		for n := range b.N {
			next <- n
		}
		close(next)
	}()
	atOnce(64, func(int) {
		for n := range next {
			seal(b, p, n, "text")
		}
	})
}

func TestR47_AMillionPeopleFitTheMemory(t *testing.T) {
	const people = 150_000
	path := manyPeople(t, people)
	before := heap()
	p, err := OpenPeople(path)
	must(t, err)
	if per := float64(heap()-before) / people; per > 64 {
		t.Errorf("%.0f bytes per person", per)
	}
	must(t, p.Close())
}

// manyPeople writes the file that as many first texts would have made.
func manyPeople(t testing.TB, people int) string {
	t.Helper()
	body := appendHeader(make([]byte, 0, unitLen*(people+1)), uint32(people))
	for n := range people {
		s := slot{person: person(n), state: slotLive}
		copy(s.id[:], s.person[:])
		copy(s.secret[:], s.person[:])
		body = s.append(body)
	}
	path := filepath.Join(t.TempDir(), "people.keys")
	must(t, os.WriteFile(path, body, 0o600))
	return path
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
