package esdbwire

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// A User may read by the protocol.
type User struct {
	Name     string `json:"name"`
	Password string `json:"password"` // its bcrypt hash
	Role     string `json:"role"`
}

// The roles that a user can have. They read the same.
const (
	Auditor = "auditor"
	Service = "service"
)

// Users are those who may read, each with a name of its own.
type Users struct {
	Users []User `json:"users"`
}

const maxUserBytes = 32

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// ReadUsers reads a file; the error names what is wrong in it. A file that is
// missing is an error that wraps fs.ErrNotExist.
func ReadUsers(path string) (Users, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return Users{}, fmt.Errorf("read readers: %w", err)
	}
	u, err := parseUsers(body)
	if err != nil {
		return Users{}, fmt.Errorf("read readers: file %s: %w", path, err)
	}
	return u, nil
}

func parseUsers(body []byte) (u Users, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&u); err != nil {
		return Users{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Users{}, errors.New("something follows after the end")
	}
	seen := map[string]bool{}
	for _, user := range u.Users {
		if seen[user.Name] {
			return Users{}, fmt.Errorf("reader %q is there twice", user.Name)
		}
		seen[user.Name] = true
		if err := errors.Join(validName(user.Name), validRole(user.Role)); err != nil {
			return Users{}, err
		}
		if _, err := bcrypt.Cost([]byte(user.Password)); err != nil {
			return Users{}, fmt.Errorf("reader %s: password is no bcrypt hash: %w", user.Name, err)
		}
	}
	return u, nil
}

func validName(name string) error {
	if len(name) > maxUserBytes || !userName.MatchString(name) {
		return fmt.Errorf("name %q: want 1 to %d lower-case letters, digits and hyphens", name, maxUserBytes)
	}
	return nil
}

func validRole(role string) error {
	if role != Auditor && role != Service {
		return fmt.Errorf("role %q: want %s or %s", role, Auditor, Service)
	}
	return nil
}

// Add adds a user, and returns the password, which is stored nowhere.
func (u *Users) Add(name, role string) (password string, err error) {
	if err := errors.Join(validName(name), validRole(role)); err != nil {
		return "", err
	}
	if slices.ContainsFunc(u.Users, func(x User) bool { return x.Name == name }) {
		return "", fmt.Errorf("there is a reader %s already: remove it first", name)
	}
	password = strings.ToLower(rand.Text())
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	u.Users = append(u.Users, User{name, string(hash), role})
	return password, nil
}

// Remove removes a user.
func (u *Users) Remove(name string) error {
	before := len(u.Users)
	u.Users = slices.DeleteFunc(u.Users, func(x User) bool { return x.Name == name })
	if len(u.Users) == before {
		return fmt.Errorf("there is no reader %s", name)
	}
	return nil
}

// Write replaces a file all at once by one that its owner alone may read.
func (u *Users) Write(path string) error {
	if u.Users == nil {
		u.Users = []User{}
	}
	body, err := json.MarshalIndent(u, "", "  ")
	if err != nil {
		return fmt.Errorf("write readers: %w", err)
	}
	half, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write readers: %w", err)
	}
	_, err = half.Write(append(body, '\n'))
	err = errors.Join(err, half.Sync(), half.Close())
	if err == nil {
		err = os.Rename(half.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write readers: %w", errors.Join(err, os.Remove(half.Name())))
	}
	return nil
}
