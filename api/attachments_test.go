package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/attachments"
)

func (r *rig) uploads(as, content string, headers ...string) answer {
	r.t.Helper()
	return r.post(as, "/v1/attachments", content, append([]string{"Content-Type", octets}, headers...)...)
}

// uploadFile uploads a file and returns its digest.
func (r *rig) uploadFile(as, content string) string {
	r.t.Helper()
	return r.uploads(as, content).is(201).text("sha256")
}

// withFile is the usual submission with a file.
func (r *rig) withFile(c object, digest, name string) object {
	body := r.request(object{"contract": c["id"]})
	body["attachments"] = []object{{"sha256": digest, "name": name}}
	return body
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestR26_AFileGoesFromUploadToTheEngineer(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	picture := "\x89PNG\x0D\x0A\x1A\x0A and so on"
	digest := r.uploads(r.ani(), picture).is(201).equals("sha256", digestOf(picture)).equals("type", "image/png").equals("size", len(picture)).text("sha256")
	path := "/v1/attachments/" + digest
	r.get(r.engineer(), path).refuses(404, "attachment-not-found") // it hangs on nothing yet
	number := r.post(r.ani(), "/v1/incidents", r.withFile(c, digest, "error of ani.png")).is(201).text("number")

	for who, as := range map[string]string{"whose it is": r.ani(), "an engineer": r.engineer()} {
		a := r.get(as, path).is(200)
		if string(a.body) != picture {
			t.Errorf("%s: got %q", who, a.body)
		}
		for name, want := range map[string]string{
			"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Content-Disposition":     `attachment; filename="` + digest[:16] + `.png"`,
			"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", who, name, got, want)
			}
		}
		if a := r.do(as, http.MethodHead, path, nil).is(200); len(a.body) > 0 || a.Header.Get("Content-Length") == "" {
			t.Errorf("%s: HEAD answers with %d bytes and %v", who, len(a.body), a.Header)
		}
	}
	files := []object{{"sha256": digest, "name": "error of ani.png", "type": "image/png", "size": len(picture)}}
	for who, as := range map[string]string{"whose it is": r.ani(), "an engineer": r.engineer(), "an operator": r.operator(), "an auditor": r.auditor()} {
		t.Log(who)
		r.get(as, "/v1/incidents/"+number).is(200).equals("attachments", files)
	}
	r.get(r.operator(), path).refuses(403, "role-missing")
	history := r.get(r.auditor(), "/v1/contracts/"+c["id"].(string)+"/history").is(200)
	if text := string(history.body); !strings.Contains(text, "incident.files-attached.v1") || !strings.Contains(text, digest) {
		t.Errorf("the history does not tell of the file: %s", text)
	}
}

// Whether somebody else has uploaded the bytes changes no answer: not that of
// uploading, reading or submitting them (R26, R36).
func TestR26_WhatOthersHaveIsUnknown(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	r.link(r.budi(), c).is(201)
	digest := r.uploadFile(r.ani(), "known bytes")
	r.post(r.ani(), "/v1/incidents", r.withFile(c, digest, "known.txt")).is(201)
	unknown := r.get(r.budi(), "/v1/attachments/"+digestOf("nobody has these"))
	known := r.get(r.budi(), "/v1/attachments/"+digest)
	if unknown.StatusCode != 404 || string(known.body) != string(unknown.body) {
		t.Errorf("known:\n%s\nunknown:\n%s", known.body, unknown.body)
	}
	for _, d := range []string{digest, digestOf("nobody has these")} {
		r.post(r.budi(), "/v1/incidents", r.withFile(c, d, "x.txt")).refuses(422, "attachment-unknown")
	}
	fresh, again := r.uploads(r.budi(), "fresh bytes").is(201), r.uploads(r.budi(), "known bytes").is(201)
	if again.Header.Get("Idempotency-Replayed") != "" || len(again.json()) != len(fresh.json()) {
		t.Errorf("known bytes are answered with %v %s", again.Header, again.body)
	}
	r.post(r.budi(), "/v1/incidents", r.withFile(c, digest, "x.txt")).is(201)
}

func TestR26_WhatASubmissionMayName(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	digest := r.uploadFile(r.ani(), "a file")
	many := make([]object, r.catalog.Attachments.MaxPerRequest+1)
	for i := range many {
		many[i] = object{"sha256": strings.Repeat("0", 62) + string(rune('0'+i/10)) + string(rune('0'+i%10)), "name": "x"}
	}
	for name, files := range map[string][]object{
		"too many":         many,
		"no digest":        {{"sha256": "x", "name": "x"}},
		"in capitals":      {{"sha256": strings.ToUpper(digest), "name": "x"}},
		"twice the same":   {{"sha256": digest, "name": "x"}, {"sha256": digest, "name": "y"}},
		"without a name":   {{"sha256": digest, "name": ""}},
		"with a folder":    {{"sha256": digest, "name": "../x"}},
		"in another's one": {{"sha256": digest, "name": `..\x`}},
		"in two lines":     {{"sha256": digest, "name": "x\r\nSet-Cookie: y"}},
	} {
		t.Run(name, func(t *testing.T) {
			body := r.request(object{"contract": c["id"]})
			body["attachments"] = files
			p := r.post(r.ani(), "/v1/incidents", body).refuses(422, "invalid-field").problem()
			if len(p.Errors) != 1 || !strings.HasPrefix(p.Errors[0].Name, "attachments") {
				t.Errorf("at fault are %+v", p.Errors)
			}
		})
	}
	r.post(r.ani(), "/v1/incidents", r.withFile(c, digest, "“Überblick” 報告.txt")).is(201)
}

// A repeat of a submission is answered as the first time, also when its file is
// gone since.
func TestR26_ARepeatDoesNotNeedItsFile(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	body := r.withFile(c, r.uploadFile(r.ani(), "a file"), "x.txt")
	first := r.post(r.ani(), "/v1/incidents", body, "Idempotency-Key", "once").is(201)
	account := r.get(r.ani(), "/v1/me").is(200).text("account")
	again := r.post(r.ani(), "/v1/incidents", body, "Idempotency-Key", "once").is(201)
	if string(first.body) != string(again.body) {
		t.Errorf("first:\n%s\nagain:\n%s", first.body, again.body)
	}
	r.post(r.admin(), "/v1/erasures", object{"account": account, "reason": "asked"}).is(200)
	r.post(r.ani(), "/v1/incidents", body, "Idempotency-Key", "once").is(201)
}

// Who was forgotten is forgotten with their files, and what these were called.
func TestR47_FilesAreForgotten(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	digest := r.uploadFile(r.ani(), "my diary")
	number := r.post(r.ani(), "/v1/incidents", r.withFile(c, digest, "diary of ani.txt")).is(201).text("number")
	account := r.get(r.ani(), "/v1/me").is(200).text("account")
	r.post(r.admin(), "/v1/erasures", object{"account": account, "reason": "asked"}).is(200)
	r.get(r.engineer(), "/v1/attachments/"+digest).refuses(404, "attachment-erased")
	r.get(r.engineer(), "/v1/incidents/"+number).is(200).
		equals("attachments", []object{{"sha256": digest, "name": "erased", "type": "text/plain", "size": 8}})
	history := r.get(r.auditor(), "/v1/contracts/"+c["id"].(string)+"/history").is(200)
	if strings.Contains(string(history.body), "diary of ani") {
		t.Error("the history still tells what it was called")
	}
}

// A day after it was uploaded a file that hangs on nothing is gone, whether it
// was swept or not; one that hangs on an incident stays.
func TestR26_AnUnusedFileIsGoneAfterADay(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	used, unused := r.uploadFile(r.ani(), "used"), r.uploadFile(r.ani(), "unused")
	r.post(r.ani(), "/v1/incidents", r.withFile(c, used, "x.txt")).is(201)
	must(t, r.clock.Set(start.Add(24*time.Hour)))
	r.get(r.ani(), "/v1/attachments/"+unused).is(200)
	must(t, r.clock.Set(start.Add(24*time.Hour+time.Second)))
	r.get(r.ani(), "/v1/attachments/"+unused).refuses(404, "attachment-not-found")
	r.post(r.ani(), "/v1/incidents", r.withFile(c, unused, "x.txt")).refuses(422, "attachment-unknown")
	r.get(r.ani(), "/v1/attachments/"+used).is(200)
	r.post(r.ani(), "/v1/incidents", r.withFile(c, used, "again.txt")).is(201)
}

func TestR26_UploadingAFile(t *testing.T) {
	r := newRig(t)
	first := r.uploads(r.ani(), "x", "Idempotency-Key", "once").is(201)
	again := r.uploads(r.ani(), "x", "Idempotency-Key", "once").is(201)
	if again.Header.Get("Idempotency-Replayed") != "true" || again.text("sha256") != first.text("sha256") {
		t.Errorf("a repeat is answered with %v %s", again.Header, again.body)
	}
	r.uploads(r.ani(), "y", "Idempotency-Key", "once").refuses(422, "idempotency-key-reused")
	r.uploads(r.ani(), "").refuses(422, "invalid-field")
	r.uploads(r.ani(), "MZ\x90\x00").refuses(422, "attachment-type-not-taken")
	r.uploads(r.ani(), strings.Repeat("x", int(r.catalog.Attachments.MaxBytes)+1)).refuses(413, "attachment-too-large")
	r.uploads(r.ani(), "--x\r\n", "Content-Type", "multipart/form-data; boundary=x").refuses(415, "unsupported-media-type")
	r.uploads(r.ani(), "by curl", "Content-Type", "application/x-www-form-urlencoded").is(201)
	full := newRig(t, func(c *Config) { c.Attachments.(*attachments.Folder).Reserve = 1 << 62 })
	a := full.uploads(full.ani(), "x").refuses(503, "storage-full")
	if a.Header.Get("Retry-After") == "" {
		t.Error("a full disk does not say when to come again")
	}
}

// A large file comes in parts by tus 1.0, whoever's client sends them.
func TestR26_UploadingInParts(t *testing.T) {
	r := newRig(t)
	content := strings.Repeat("line\n", 1000)
	begun := r.post(r.ani(), uploadsPath, nil, "Upload-Length", "5000", "Tus-Resumable", "1.0.0", "Idempotency-Key", "large").is(201)
	at := begun.Header.Get("Location")
	if again := r.post(r.ani(), uploadsPath, nil, "Upload-Length", "5000", "Idempotency-Key", "large").is(201); again.Header.Get("Location") != at {
		t.Error("the same key begins another upload")
	}
	r.post(r.ani(), uploadsPath, nil, "Upload-Length", "5001", "Idempotency-Key", "large").refuses(422, "idempotency-key-reused")
	part := func(as, from, content string) answer {
		return r.do(as, http.MethodPatch, at, content, "Content-Type", partType, "Upload-Offset", from, "Tus-Resumable", "1.0.0")
	}
	if got := part(r.ani(), "0", content[:1234]).is(204).Header.Get("Upload-Offset"); got != "1234" {
		t.Errorf("the offset is %q", got)
	}
	part(r.ani(), "0", content).refuses(409, "upload-offset")
	part(r.budi(), "1234", content).refuses(404, "upload-not-found")
	r.get(r.budi(), at).refuses(404, "upload-not-found")
	head := r.do(r.ani(), http.MethodHead, at, nil, "Tus-Resumable", "1.0.0").is(200)
	if head.Header.Get("Upload-Offset") != "1234" || head.Header.Get("Upload-Length") != "5000" || head.Header.Get("Tus-Resumable") != "1.0.0" {
		t.Errorf("HEAD says %v", head.Header)
	}
	r.do(r.ani(), http.MethodHead, at, nil, "Tus-Resumable", "2.0.0").is(412)
	r.do(r.ani(), http.MethodPatch, at, "x", "Content-Type", octets, "Upload-Offset", "1234").refuses(415, "unsupported-media-type")
	digest := part(r.ani(), "1234", content[1234:]).is(204).Header.Get("Attachment-SHA256")
	if digest != digestOf(content) {
		t.Errorf("the file is called %q", digest)
	}
	if got := r.get(r.ani(), "/v1/attachments/"+digest).is(200); string(got.body) != content {
		t.Error("the file is another one")
	}
	r.get(r.ani(), at).is(200).equals("offset", 5000)
}

// A line that breaks in the middle leaves what had come, and nothing of a file
// that was not sent in parts.
func TestR26_ABrokenLine(t *testing.T) {
	r := newRig(t)
	at := r.post(r.ani(), uploadsPath, nil, "Upload-Length", "10").is(201).Header.Get("Location")
	send := func(method, path string, headers ...string) answer {
		q := httptest.NewRequestWithContext(context.Background(), method, path, cut{context.Canceled})
		q.ContentLength = 10
		q.Header.Set("Authorization", "Bearer "+r.ani())
		for i := 0; i < len(headers); i += 2 {
			q.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, q)
		return answer{w.Result(), t, w.Body.Bytes()}
	}
	send(http.MethodPost, "/v1/attachments", "Idempotency-Key", "k").refuses(400, "malformed-body")
	send(http.MethodPatch, at, "Upload-Offset", "0", "Content-Type", partType).refuses(400, "malformed-body")
	r.get(r.ani(), at).is(200).equals("offset", 0)
	if _, err := r.Attachments.Get(t.Context(), [16]byte{}, ""); err != attachments.ErrUnknown {
		t.Errorf("got %v", err)
	}
}
