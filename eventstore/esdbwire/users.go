package esdbwire

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/supportledger/supportledger/internal/userfile"
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
	if err := userfile.Decode(body, &u); err != nil {
		return Users{}, err
	}
	seen := map[string]bool{}
	for _, user := range u.Users {
		if seen[user.Name] {
			return Users{}, fmt.Errorf("reader %q is there twice", user.Name)
		}
		seen[user.Name] = true
		if err := errors.Join(userfile.ValidName(user.Name), validRole(user.Role)); err != nil {
			return Users{}, err
		}
		if _, err := bcrypt.Cost([]byte(user.Password)); err != nil {
			return Users{}, fmt.Errorf("reader %s: password is no bcrypt hash: %w", user.Name, err)
		}
	}
	return u, nil
}

func validRole(role string) error {
	if role != Auditor && role != Service {
		return fmt.Errorf("role %q: want %s or %s", role, Auditor, Service)
	}
	return nil
}

// Add adds a user, and returns the password, which is stored nowhere.
func (u *Users) Add(name, role string) (password string, err error) {
	if err := errors.Join(userfile.ValidName(name), validRole(role)); err != nil {
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
	if err := userfile.Write(path, u); err != nil {
		return fmt.Errorf("write readers: %w", err)
	}
	return nil
}
