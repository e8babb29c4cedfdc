package broker

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/supportledger/supportledger/internal/reread"
	"github.com/supportledger/supportledger/internal/userfile"
	"golang.org/x/crypto/bcrypt"
)

// A User is a subscriber: who may connect, and what may be read.
type User struct {
	Name     string   `json:"name"`
	Password string   `json:"password"` // its bcrypt hash
	Subjects []string `json:"subjects"` // e.g. ledger.events.incident.>
}

// Users are the subscribers, each with a name of its own.
type Users struct {
	Users []User `json:"users"`
}

const (
	allEvents = "ledger.events.>"
	// hashCost is the least: a password that nobody can guess need not be dear to
	// prove, and strangers who try others should cost little.
	hashCost = bcrypt.MinCost
)

// ReadUsers reads a file; the error names what is wrong in it. A file that is
// missing is an error that wraps fs.ErrNotExist.
func ReadUsers(path string) (Users, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return Users{}, fmt.Errorf("read subscribers: %w", err)
	}
	u, err := parseUsers(body)
	if err != nil {
		return Users{}, fmt.Errorf("read subscribers: file %s: %w", path, err)
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
			return Users{}, fmt.Errorf("user %q is there twice", user.Name)
		}
		seen[user.Name] = true
		if err := user.validate(); err != nil {
			return Users{}, err
		}
	}
	return u, nil
}

// validate says what is wrong with a subscriber. Its consumer has the same name;
// those of the ledger itself have an underscore, which no user's name has.
func (u *User) validate() error {
	if err := userfile.ValidName(u.Name); err != nil {
		return err
	}
	if _, err := bcrypt.Cost([]byte(u.Password)); err != nil {
		return fmt.Errorf("user %s: password is no bcrypt hash: %w", u.Name, err)
	}
	return validSubjects(u.Name, u.Subjects)
}

func validSubjects(name string, subjects []string) error {
	if len(subjects) == 0 {
		return fmt.Errorf("user %s: subjects is empty: name what may be read, such as ledger.events.incident.>", name)
	}
	for _, s := range subjects {
		if !server.IsValidSubject(s) || !server.SubjectMatchesFilter(s, allEvents) {
			return fmt.Errorf("user %s: subject %q is not within %s", name, s, allEvents)
		}
	}
	return nil
}

// Add adds a subscriber, and returns its password, which is stored nowhere.
func (u *Users) Add(name string, subjects []string) (password string, err error) {
	password = strings.ToLower(rand.Text())
	return password, u.Put(name, password, subjects)
}

// Put adds a subscriber who has this password.
func (u *Users) Put(name, password string, subjects []string) error {
	if err := errors.Join(userfile.ValidName(name), validSubjects(name, subjects)); err != nil {
		return err
	}
	if slices.ContainsFunc(u.Users, func(x User) bool { return x.Name == name }) {
		return fmt.Errorf("there is a subscriber %s already: remove it first", name)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), hashCost)
	if err != nil {
		return fmt.Errorf("hash the password: %w", err)
	}
	u.Users = append(u.Users, User{name, string(hash), subjects})
	return nil
}

// Remove removes a subscriber.
func (u *Users) Remove(name string) error {
	before := len(u.Users)
	u.Users = slices.DeleteFunc(u.Users, func(x User) bool { return x.Name == name })
	if len(u.Users) == before {
		return fmt.Errorf("there is no subscriber %s", name)
	}
	return nil
}

// Write replaces a file all at once by one that its owner alone may read.
func (u *Users) Write(path string) error {
	if u.Users == nil {
		u.Users = []User{}
	}
	if err := userfile.Write(path, u); err != nil {
		return fmt.Errorf("write subscribers: %w", err)
	}
	return nil
}

// source is where the subscribers come from: a file that is looked at again, or
// a list that stays.
type source struct {
	path string
	seen os.FileInfo // as it was when it was read
	last Users
	told string // what was last wrong with it
}

// changed reads the file again where it has changed since.
func (s *source) changed() (Users, bool, error) {
	if s.path == "" {
		return s.last, false, nil
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return s.last, false, fmt.Errorf("read subscribers: %w", err)
	}
	if reread.Unchanged(s.seen, info) {
		return s.last, false, nil
	}
	s.seen = info
	u, err := ReadUsers(s.path)
	if err != nil {
		return s.last, false, err
	}
	s.last, s.told = u, ""
	return u, true, nil
}
