package api

import (
	"testing"

	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/attachments/s3"
	"github.com/supportledger/supportledger/internal/s3server"
)

// While the store that nodes share cannot be reached, what needs a file is refused
// with 503 and told when to come again; everything else goes on, readiness, too.
func TestR26_WithoutTheStoreOfFilesTheRestGoesOn(t *testing.T) {
	store := s3server.Start(t)
	r := newRig(t, func(c *Config) {
		place, err := s3.Parse(store.URL("files"))
		must(t, err)
		objects, err := s3.Open(place)
		must(t, err)
		c.Attachments, err = attachments.OpenBucket(c.Attachments.(*attachments.Folder).Config, objects)
		must(t, err)
	})
	c := r.linked()
	digest := r.uploadFile(r.ani(), "kept")
	upload := r.post(r.ani(), "/v1/attachments/uploads", "", "Upload-Length", "10").is(201)
	store.Leave()
	for what, a := range map[string]answer{
		"an upload":               r.uploads(r.ani(), "refused"),
		"a large one":             r.post(r.ani(), "/v1/attachments/uploads", "", "Upload-Length", "10"),
		"a part":                  r.do(r.ani(), "PATCH", upload.Header.Get("Location"), "0123456789", "Content-Type", partType, "Upload-Offset", "0"),
		"how far one has come":    r.get(r.ani(), upload.Header.Get("Location")),
		"reading":                 r.get(r.ani(), "/v1/attachments/"+digest),
		"an incident with a file": r.post(r.ani(), "/v1/incidents", r.withFile(c, digest, "kept.txt"), "Idempotency-Key", "with"),
	} {
		t.Log(what)
		a.refuses(503, "files-unavailable")
		if a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: it is not told when to come again", what)
		}
	}
	r.submit(r.ani(), c).is(201)
	r.get("", "/readyz").is(200)
	store.Return()
	r.post(r.ani(), "/v1/incidents", r.withFile(c, digest, "kept.txt"), "Idempotency-Key", "with").is(201)
	if a := r.get(r.engineer(), "/v1/attachments/"+digest).is(200); string(a.body) != "kept" {
		t.Errorf("it is read as %q", a.body)
	}
}
