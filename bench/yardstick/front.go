package yardstick

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/supportledger/supportledger/bench/load"
)

// front is an HTTP server before the procedure: the least that answers
// POST /v1/incidents with what the ledger answers.
type front struct {
	pool   *pgxpool.Pool
	key    ed25519.PublicKey
	tokens sync.Map // verified token -> account
}

// NewFront returns a handler that submits to the database at a URL, for bearers
// of tokens signed with key. Closing the pool is the caller's.
func NewFront(ctx context.Context, url string, connections int, key ed25519.PublicKey) (http.Handler, *pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, nil, fmt.Errorf("read database address: %w", err)
	}
	config.MaxConns, config.MinConns = int32(connections), int32(connections)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, fmt.Errorf("open connections: %w", err)
	}
	f := &front{pool: pool, key: key}
	routes := mux.NewRouter()
	routes.HandleFunc("/v1/incidents", f.submit).Methods(http.MethodPost)
	return routes, pool, nil
}

// request is the body of a submission.
type request struct {
	Portal      string `json:"portal"`
	Product     string `json:"product"`
	Usage       string `json:"usage"`
	ProblemType string `json:"problem_type"`
	Category    string `json:"category"`
	Payment     struct {
		Contract string `json:"contract"`
	} `json:"payment"`
	Contact struct {
		Name     string `json:"name"`
		Email    string `json:"email"`
		Phone    string `json:"phone"`
		Language string `json:"language"`
	} `json:"contact"`
	Severity    string `json:"severity"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Agreement   struct {
		Version  string `json:"version"`
		Accepted bool   `json:"accepted"`
	} `json:"agreement"`
}

// incident is the answer.
type incident struct {
	Number        string    `json:"number"`
	Status        string    `json:"status"`
	Contract      string    `json:"contract"`
	Portal        string    `json:"portal"`
	Product       string    `json:"product"`
	Severity      string    `json:"severity"`
	ResponseDueAt time.Time `json:"response_due_at"`
	Title         string    `json:"title"`
	OpenedAt      time.Time `json:"opened_at"`
	Remaining     int64     `json:"remaining"`
}

const maxBody = 128 << 10

func (f *front) submit(w http.ResponseWriter, r *http.Request) {
	account, err := f.account(r.Header.Get("Authorization"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		http.Error(w, "idempotency-key-missing", http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var req request
	if err := json.Unmarshal(body, &req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if req.Title == "" || len(req.Title) > 200 || !req.Agreement.Accepted {
		http.Error(w, "a title of 200 characters and an accepted agreement are needed", http.StatusUnprocessableEntity)
		return
	}
	f.answer(w, r, account, key, &req, body)
}

// answer calls the procedure and writes what it says.
func (f *front) answer(w http.ResponseWriter, r *http.Request, account, key string, req *request, body []byte) {
	print := sha256.Sum256(body)
	var number, remaining *int64
	var openedAt, dueAt *time.Time
	var refusal *string
	err := f.pool.QueryRow(r.Context(), submit, account, key, print[:], req.Payment.Contract, req.Severity, body).
		Scan(&number, &openedAt, &dueAt, &remaining, &refusal)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if refusal != nil {
		http.Error(w, *refusal, http.StatusConflict)
		return
	}
	answer, err := json.Marshal(incident{
		Number: strconv.FormatInt(*number, 10), Status: "open", Contract: req.Payment.Contract,
		Portal: req.Portal, Product: req.Product, Severity: req.Severity, ResponseDueAt: *dueAt,
		Title: req.Title, OpenedAt: *openedAt, Remaining: *remaining,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	// The client may be gone; the incident is recorded all the same.
	_, _ = w.Write(answer)
}

// account says who bears a token. A token that was verified is remembered.
func (f *front) account(header string) (string, error) {
	token, found := strings.CutPrefix(header, "Bearer ")
	if !found {
		return "", errors.New("a bearer token is needed")
	}
	if account, found := f.tokens.Load(token); found {
		return account.(string), nil
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return f.key, nil },
		jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithExpirationRequired())
	if err != nil {
		return "", fmt.Errorf("verify token: %w", err)
	}
	f.tokens.Store(token, claims.Subject)
	return claims.Subject, nil
}

// Targets are the contracts that Reset makes, each with its account's token.
func Targets(contracts int, key ed25519.PrivateKey, now time.Time) ([]load.Target, error) {
	tokens := make([]string, min(contracts, accounts))
	for i := range tokens {
		var err error
		tokens[i], err = jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.RegisteredClaims{
			Issuer: "bench", Subject: Account(i), Audience: jwt.ClaimStrings{"supportledger"},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(24 * time.Hour)),
		}).SignedString(key)
		if err != nil {
			return nil, fmt.Errorf("sign token: %w", err)
		}
	}
	targets := make([]load.Target, contracts)
	for i := range targets {
		targets[i] = load.Target{Contract: Contract(i), Token: tokens[i%accounts]}
	}
	return targets, nil
}
