package lifecycle

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func days(n int) time.Time { return now.AddDate(0, 0, -n).Add(-time.Minute) }

// shelf are seven images, the newest first.
func shelf() []Image {
	return []Image{
		{Digest: "a", Tags: []string{"prod-3", "latest"}, PushedAt: days(1)},
		{Digest: "b", Tags: []string{"prod-2"}, PushedAt: days(10)},
		{Digest: "c", Tags: []string{"prod-1"}, PushedAt: days(20), PulledAt: days(2)},
		{Digest: "d", Tags: []string{"dev-1"}, PushedAt: days(30)},
		{Digest: "e", PushedAt: days(40)},
		{Digest: "f", PushedAt: days(50), ArchivedAt: days(45)},
		{Digest: "g", Tags: []string{"multi"}, PushedAt: days(60), Children: []string{"e"}},
	}
}

func TestApply(t *testing.T) {
	rule := func(priority int, selection, action string) string {
		return fmt.Sprintf(`{"rulePriority":%d,"selection":{%s},"action":{%s}}`, priority, selection, action)
	}
	const expires, archives = `"type":"expire"`, `"type":"transition","targetStorageClass":"archive"`
	for _, c := range []struct {
		name  string
		rules []string
		want  string
	}{
		{"the newest stay", []string{rule(1, `"tagStatus":"tagged","tagPrefixList":["prod"],"countType":"imageCountMoreThan","countNumber":1`, expires)}, "b:1 c:1"},
		{"pushed long ago", []string{rule(1, `"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":15`, expires)}, "c:1 d:1 g:1"},
		{"pulled lately", []string{rule(1, `"tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":15`, expires)}, "d:1 g:1"},
		{"an index holds its images", []string{rule(1, `"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":1`, expires)}, ""},
		{"patterns, all of them", []string{rule(1, `"tagStatus":"tagged","tagPatternList":["prod*","*test"],"countType":"sinceImagePushed","countUnit":"days","countNumber":1`, expires)}, "a:1"},
		{"a pattern", []string{rule(1, `"tagStatus":"tagged","tagPatternList":["*o*-*"],"countType":"sinceImagePushed","countUnit":"days","countNumber":5`, expires)}, "b:1 c:1"},
		{"the first rule that means an image decides", []string{
			rule(2, `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1`, expires),
			rule(1, `"tagStatus":"tagged","tagPrefixList":["prod"],"countType":"imageCountMoreThan","countNumber":2`, expires),
		}, "c:1 d:2 g:2"},
		{"into the archive, and out of it", []string{
			rule(1, `"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":25`, archives),
			rule(2, `"tagStatus":"any","storageClass":"archive","countType":"sinceImageTransitioned","countUnit":"days","countNumber":40`, expires),
		}, "d:1+ f:2 g:1+"},
	} {
		p, err := Parse(`{"rules":[` + strings.Join(c.rules, ",") + `]}`)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, v := range p.Apply(shelf(), now) {
			text := fmt.Sprintf("%s:%d", v.Digest, v.Priority)
			if v.Archive {
				text += "+"
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

func TestBadPolicies(t *testing.T) {
	good := `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for before, after := range map[string]string{
		`"rulePriority":1`: `"rulePriority":0`, `"any"`: `"some"`, `"countNumber":1`: `"countNumber":0`, `"expire"`: `"delete"`,
		`"countType":"imageCountMoreThan"`: `"countType":"sinceImagePushed"`, `"tagStatus":"any"`: `"tagStatus":"tagged"`, `{"rules"`: `{"more":1,"rules"`,
		`]}`: `]} {}`, `"countNumber":1}`: `"countNumber":1,"storageClass":"cold"}`, `"type":"expire"`: `"type":"transition"`,
	} {
		if _, err := Parse(strings.Replace(good, before, after, 1)); err == nil {
			t.Errorf("%s in place of %s is accepted", after, before)
		}
	}
	one := strings.TrimSuffix(strings.TrimPrefix(good, `{"rules":[`), `]}`)
	for name, text := range map[string]string{
		"none": `{"rules":[]}`, "twin priorities": `{"rules":[` + one + `,` + one + `]}`,
		"any before others": `{"rules":[` + one + `,` + strings.Replace(strings.Replace(one, `"any"`, `"untagged"`, 1), `y":1`, `y":2`, 1) + `]}`,
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestCounts: however many images there are, as many as a rule counts stay, and
// they are the newest.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keep := rapid.IntRange(1, 10).Draw(t, "keep")
		p, err := Parse(fmt.Sprintf(`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":%d},"action":{"type":"expire"}}]}`, keep))
		if err != nil {
			t.Fatal(err)
		}
		var images []Image
		for i, age := range rapid.SliceOfN(rapid.IntRange(0, 100), 0, 20).Draw(t, "ages") {
			images = append(images, Image{Digest: fmt.Sprint(i), PushedAt: days(age)})
		}
		gone := map[string]bool{}
		for _, v := range p.Apply(images, now) {
			gone[v.Digest] = true
		}
		if len(images)-len(gone) != min(keep, len(images)) {
			t.Fatalf("%d of %d go, %d are to stay", len(gone), len(images), keep)
		}
		for _, old := range images {
			for _, young := range images {
				if !gone[old.Digest] && gone[young.Digest] && young.PushedAt.After(old.PushedAt) {
					t.Fatalf("%v goes before %v", young, old)
				}
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPatternList":["a*b*"],"countType":"sinceImagePushed","countUnit":"days","countNumber":3},"action":{"type":"expire"}}]}`)
	f.Fuzz(func(_ *testing.T, text string) {
		if p, err := Parse(text); err == nil {
			p.Apply(shelf(), now)
		}
	})
}
