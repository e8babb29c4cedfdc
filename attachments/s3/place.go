package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// A Place says where a store is, and what of it is a ledger's. Immutable.
type Place struct {
	endpoint    *url.URL
	bucket      string
	prefix      string // "" or with a slash at its end
	region      string
	credentials string // a file; "": the usual one
	ca          string // a file; "": the system's
}

// form is what Parse takes, for people.
const form = "s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION"

// parameters are those that a URL may have.
var parameters = []string{"endpoint", "region", "credentials", "ca", "plaintext"}

// Parse reads s3://BUCKET/PREFIX. Its parameters are endpoint, Amazon's if left out;
// region, us-east-1 if left out; credentials and ca, which name files; and
// plaintext=allowed, without which http:// is taken on loopback addresses only. The
// error never says what the URL was.
func Parse(text string) (*Place, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.Fragment != "" {
		return nil, errors.New("want " + form)
	}
	if u.User != nil {
		return nil, errors.New("credentials do not belong into the URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with credentials=")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("its parameters cannot be read; want " + form)
	}
	for name, values := range q {
		if !slices.Contains(parameters, name) || len(values) != 1 {
			return nil, fmt.Errorf("the parameter %q is not known, or there twice; there are %s", name, strings.Join(parameters, ", "))
		}
	}
	p := &Place{bucket: u.Host, region: q.Get("region"), credentials: q.Get("credentials"), ca: q.Get("ca")}
	if p.region == "" {
		p.region = "us-east-1"
	}
	if p.prefix = strings.Trim(u.Path, "/"); p.prefix != "" {
		p.prefix += "/"
	}
	if p.endpoint, err = endpoint(q.Get("endpoint"), q.Get("plaintext")); err != nil {
		return nil, err
	}
	return p, nil
}

func endpoint(text, plaintext string) (*url.URL, error) {
	if text == "" {
		text = "https://s3.amazonaws.com"
	}
	if plaintext != "" && plaintext != "allowed" {
		return nil, errors.New("plaintext= must be allowed, or left out")
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, errors.New("endpoint= must be https://HOST or https://HOST:PORT, without a path and without a user")
	}
	if u.Scheme == "http" && plaintext != "allowed" && !isLoopback(u.Hostname()) {
		return nil, errors.New("endpoint= is http:// on another machine, where whoever is on the way reads along and may change what is kept: use https://, or add plaintext=allowed")
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// String is the place without its parameters, for people.
func (p *Place) String() string {
	return "s3://" + strings.TrimSuffix(p.bucket+"/"+p.prefix, "/") + " at " + p.endpoint.Scheme + "://" + p.endpoint.Host
}

// providers are where credentials are looked for, one after another. The file that
// the URL names is the only one, so that what is left in an environment does not
// take its place without a word.
func (p *Place) providers() []credentials.Provider {
	if p.credentials != "" {
		return []credentials.Provider{&credentials.FileAWSCredentials{Filename: p.credentials}}
	}
	return []credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}}
}

func (p *Place) transport() (*http.Transport, error) {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectIn, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: connectIn, ResponseHeaderTimeout: answersIn, ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
		DisableCompression: true, // what is read is what was written
		TLSClientConfig:    &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if p.ca == "" {
		return t, nil
	}
	text, err := os.ReadFile(p.ca)
	if err != nil {
		return nil, fmt.Errorf("read ca=: %w; name a file of certificates, PEM, or leave it out where the system knows the store's", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca=%s holds no certificate, PEM: name the authority's that the store's comes from", p.ca)
	}
	return t, nil
}
