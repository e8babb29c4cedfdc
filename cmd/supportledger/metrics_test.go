package main

import (
	"encoding/json"
	"log/slog"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
)

// measured are the metrics of ledgers, each with its labels: of one with its log in
// its folder, and of one with its log in a cluster.
func measured(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{"up": nil, "ALERTS": {"alertname", "alertstate"}} // Prometheus' own
	for _, log := range []string{"", newCluster(t).url()} {
		describe(t, all, places{log: log, patience: time.Minute})
	}
	return all
}

// describe adds the metrics of a ledger.
func describe(t *testing.T, all map[string][]string, p places) {
	t.Helper()
	v, err := startService(t.Context(), settings{folder: folder(t.TempDir()), places: p, dev: true, log: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer func() { must(t, v.close()) }()
	described := make(chan *prometheus.Desc)
	go func() { v.registry.Describe(described); close(described) }()
	form := regexp.MustCompile(`^Desc\{fqName: "([^"]+)".*variableLabels: \{([^}]*)\}\}$`)
	for d := range described {
		parts := form.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("cannot read %s", d)
		}
		all[parts[1]] = strings.Split(parts[2], ",")
	}
	if len(all) < 40 {
		t.Fatalf("only %d metrics", len(all))
	}
}

var (
	nameInQuery  = regexp.MustCompile(`\b(supportledger|process|go)_[a-z0-9_]+|\bup\b|\bALERTS\b`)
	matcherLists = regexp.MustCompile(`\b([a-zA-Z_]+)\{([^}]*)\}`)
	labelInList  = regexp.MustCompile(`([a-z_]+) *(=~|!~|!=|=)`)
)

// mustBeMeasured holds the metrics and labels of a query against those that there are.
func mustBeMeasured(t *testing.T, all map[string][]string, where, query string) {
	t.Helper()
	base := func(name string) string {
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if _, ok := all[strings.TrimSuffix(name, suffix)]; ok {
				return strings.TrimSuffix(name, suffix)
			}
		}
		return name
	}
	names := nameInQuery.FindAllString(query, -1)
	if len(names) == 0 {
		t.Errorf("%s: %q asks for no metric", where, query)
	}
	for _, name := range names {
		if all[base(name)] == nil && name != "up" {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
	for _, list := range matcherLists.FindAllStringSubmatch(query, -1) {
		labels := append([]string{"instance", "job", "le"}, all[base(list[1])]...)
		for _, label := range labelInList.FindAllStringSubmatch(list[2], -1) {
			if !slices.Contains(labels, label[1]) {
				t.Errorf("%s: %s has no label %s", where, list[1], label[1])
			}
		}
	}
}

// ruleFile is what is looked at in the rules.
type ruleFile struct {
	Groups []struct {
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// Rules and dashboard ask for what the program measures.
func TestRulesAndDashboardAskForWhatIsMeasured(t *testing.T) {
	all := measured(t)
	var rules ruleFile
	must(t, yaml.Unmarshal([]byte(inHouse(t, "deploy", "prometheus", "rules.yml")), &rules))
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			mustBeMeasured(t, all, rule.Alert, rule.Expr)
			if severity := rule.Labels["severity"]; severity != "page" && severity != "ticket" || rule.Annotations["summary"] == "" {
				t.Errorf("%s: has severity %q and says %q", rule.Alert, severity, rule.Annotations["summary"])
			}
		}
	}
	var dashboard struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	must(t, json.Unmarshal([]byte(inHouse(t, "deploy", "grafana", "supportledger.json")), &dashboard))
	queries := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries++
			mustBeMeasured(t, all, panel.Title, target.Expr)
		}
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %s shows nothing", panel.Title)
		}
	}
	if queries < 30 {
		t.Errorf("the dashboard asks only %d times", queries)
	}
}

// Each alert has its heading in the manual, with what to do, and each heading an
// alert.
func TestTheManualTellsOfEachAlert(t *testing.T) {
	var rules ruleFile
	must(t, yaml.Unmarshal([]byte(inHouse(t, "deploy", "prometheus", "rules.yml")), &rules))
	var have []string
	for _, heading := range regexp.MustCompile(`(?m)^### (Ledger\S+)\n\n(\S.*)`).FindAllStringSubmatch(inHouse(t, "docs", "operations.md"), -1) {
		have = append(have, heading[1])
	}
	var want []string
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			want = append(want, rule.Alert)
		}
	}
	if len(want) < 20 || !slices.Equal(have, want) {
		t.Errorf("the manual tells of\n%q, the rules of\n%q", have, want)
	}
	tried := inHouse(t, "deploy", "prometheus", "rules_test.yml")
	for _, alert := range want {
		if !strings.Contains(tried, "alertname: "+alert+"\n") {
			t.Errorf("%s is not tried in rules_test.yml", alert)
		}
	}
}

// Prometheus takes the rules and what compose gives it, and they do what they are for.
func TestPrometheusTakesTheRules(t *testing.T) {
	needs(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "rules.yml"}, {"test", "rules", "rules_test.yml"},
		{"check", "config", "--syntax-only", filepath.Join("..", "compose", "prometheus.yml")},
	} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = filepath.Join("..", "..", "deploy", "prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
