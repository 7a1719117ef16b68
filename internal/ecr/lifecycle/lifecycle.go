// Package lifecycle reads the lifecycle policies of ECR's repositories and says
// which images they expire or archive. It works on values alone.
package lifecycle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Policy is a valid policy, its rules in the order of their priorities.
type Policy struct{ rules []rule }

// The words of policies, as ECR documents them.
const (
	tagged, untagged, anyTag = "tagged", "untagged", "any"
	standard, archive        = "standard", "archive"

	countMore         = "imageCountMoreThan"
	sincePushed       = "sinceImagePushed"
	sincePulled       = "sinceImagePulled"
	sinceTransitioned = "sinceImageTransitioned"

	expire, transition = "expire", "transition"
)

type rule struct {
	Priority    int32     `json:"rulePriority"`
	Description string    `json:"description,omitempty"`
	Selection   selection `json:"selection"`
	Action      struct {
		Type   string `json:"type"`
		Target string `json:"targetStorageClass,omitempty"`
	} `json:"action"`
}

type selection struct {
	TagStatus    string   `json:"tagStatus"`
	Prefixes     []string `json:"tagPrefixList,omitempty"`
	Patterns     []string `json:"tagPatternList,omitempty"`
	StorageClass string   `json:"storageClass,omitempty"`
	CountType    string   `json:"countType"`
	CountUnit    string   `json:"countUnit,omitempty"`
	CountNumber  int      `json:"countNumber"`
}

// mostRules is how many rules a policy has.
const mostRules = 50

// Parse reads a policy; the error says what is wrong with it.
func Parse(text string) (*Policy, error) {
	var written struct {
		Rules []rule `json:"rules"`
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&written); err != nil {
		return nil, fmt.Errorf("not a policy: %w", err)
	}
	if d.More() {
		return nil, errors.New("there is something after the policy")
	}
	if len(written.Rules) == 0 || len(written.Rules) > mostRules {
		return nil, fmt.Errorf("a policy has 1 to %d rules", mostRules)
	}
	p := &Policy{written.Rules}
	slices.SortStableFunc(p.rules, func(a, b rule) int { return int(a.Priority) - int(b.Priority) })
	for i := range p.rules {
		if err := p.rules[i].check(); err != nil {
			return nil, fmt.Errorf("rule %d: %w", p.rules[i].Priority, err)
		}
	}
	return p, p.checkTogether()
}

func (r *rule) check() error {
	s := &r.Selection
	if s.StorageClass == "" {
		s.StorageClass = standard
	}
	switch {
	case r.Priority < 1:
		return errors.New("rulePriority has to be at least 1")
	case r.Action.Type != expire && r.Action.Type != transition:
		return errors.New("the action has to be expire or transition")
	case (r.Action.Type == transition) != (r.Action.Target == archive) || r.Action.Type == expire && r.Action.Target != "":
		return errors.New("targetStorageClass is archive for transition, and absent for expire")
	case s.StorageClass != standard && s.StorageClass != archive:
		return errors.New("storageClass has to be standard or archive")
	case s.StorageClass == archive && r.Action.Type == transition:
		return errors.New("what is in the archive cannot be archived")
	case s.CountNumber < 1:
		return errors.New("countNumber has to be at least 1")
	}
	return errors.Join(s.checkTags(), s.checkCount())
}

func (s *selection) checkTags() error {
	lists := len(s.Prefixes) + len(s.Patterns)
	switch s.TagStatus {
	case tagged:
		if len(s.Prefixes) > 0 == (len(s.Patterns) > 0) {
			return errors.New("tagStatus tagged needs a tagPrefixList or a tagPatternList")
		}
	case untagged, anyTag:
		if lists > 0 {
			return errors.New("tagPrefixList and tagPatternList are for tagStatus tagged")
		}
	default:
		return errors.New("tagStatus has to be tagged, untagged or any")
	}
	for _, p := range s.Patterns {
		if strings.Count(p, "*") > 4 {
			return errors.New("a tag pattern has at most four wildcards")
		}
	}
	return nil
}

func (s *selection) checkCount() error {
	switch s.CountType {
	case countMore:
		if s.CountUnit != "" {
			return errors.New("countUnit is not for imageCountMoreThan")
		}
		return nil
	case sincePushed, sincePulled, sinceTransitioned:
		if s.CountUnit != "days" {
			return errors.New("countUnit has to be days")
		}
		if (s.CountType == sinceTransitioned) != (s.StorageClass == archive) {
			return errors.New("sinceImageTransitioned is for storageClass archive, and that for nothing else")
		}
		return nil
	}
	return errors.New("countType has to be imageCountMoreThan, sinceImagePushed, sinceImagePulled or sinceImageTransitioned")
}

// checkTogether checks what rules must not have in common.
func (p *Policy) checkTogether() error {
	seen := map[string]bool{}
	once := func(kind, what string) error {
		if key := kind + what; seen[key] {
			return fmt.Errorf("there are two rules for %s %s", kind, what)
		}
		seen[kind+what] = true
		return nil
	}
	for i := range p.rules {
		r := &p.rules[i]
		if err := once("the priority", fmt.Sprint(r.Priority)); err != nil {
			return err
		}
		if r.Selection.TagStatus == anyTag && slices.ContainsFunc(p.rules[i+1:], func(o rule) bool { return o.Selection.StorageClass == r.Selection.StorageClass }) {
			return errors.New("the rule for any tag status has to be the last one")
		}
		if r.Selection.TagStatus != tagged {
			if err := once("the tag status", r.Selection.TagStatus+" of "+r.Selection.StorageClass+" by "+r.Action.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// Image is what a policy looks at.
type Image struct {
	Digest   string
	Tags     []string
	PushedAt time.Time
	// PulledAt and ArchivedAt are zero for never.
	PulledAt, ArchivedAt time.Time
	// Children are the images that an index leads to: as long as it is there
	// they stay.
	Children []string
}

// Verdict is what becomes of an image.
type Verdict struct {
	Digest string
	// Archive says that it is archived; else it expires.
	Archive bool
	// Priority is that of the rule.
	Priority int32
}

// Apply says what becomes of a repository's images at a time, in the order
// given. All rules look at all images; an image goes by the first rule whose
// tags it meets.
func (p *Policy) Apply(images []Image, now time.Time) []Verdict {
	held := map[string]bool{}
	for i := range images {
		for _, child := range images[i].Children {
			held[child] = true
		}
	}
	taken, marked := map[string]bool{}, map[string]Verdict{}
	for i := range p.rules {
		r := &p.rules[i]
		meant := r.Selection.of(images)
		for _, im := range r.Selection.due(meant, now) {
			if !taken[im.Digest] && !held[im.Digest] {
				marked[im.Digest] = Verdict{im.Digest, r.Action.Type == transition, r.Priority}
			}
		}
		for _, im := range meant {
			taken[im.Digest] = true
		}
	}
	var list []Verdict
	for i := range images {
		if v, ok := marked[images[i].Digest]; ok {
			list = append(list, v)
		}
	}
	return list
}

// of are the images that a selection speaks of.
func (s *selection) of(images []Image) (list []*Image) {
	for i := range images {
		im := &images[i]
		if im.ArchivedAt.IsZero() == (s.StorageClass == standard) && s.meets(im.Tags) {
			list = append(list, im)
		}
	}
	return list
}

// meets reports whether an image's tags are those of a selection: every prefix
// and every pattern needs one.
func (s *selection) meets(tags []string) bool {
	switch s.TagStatus {
	case untagged:
		return len(tags) == 0
	case anyTag:
		return true
	}
	for _, prefix := range s.Prefixes {
		if !slices.ContainsFunc(tags, func(t string) bool { return strings.HasPrefix(t, prefix) }) {
			return false
		}
	}
	for _, pattern := range s.Patterns {
		if !slices.ContainsFunc(tags, func(t string) bool { return matches(t, pattern) }) {
			return false
		}
	}
	return true
}

// matches compares a tag with a pattern in which * stands for any characters.
func matches(tag, pattern string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return tag == pattern
	}
	if !strings.HasPrefix(tag, first) {
		return false
	}
	for tag = tag[len(first):]; ; tag = tag[1:] {
		if matches(tag, rest) {
			return true
		}
		if tag == "" {
			return false
		}
	}
}

// due are the images that a selection's count leaves over.
func (s *selection) due(images []*Image, now time.Time) (list []*Image) {
	if s.CountType == countMore {
		newest := slices.Clone(images)
		slices.SortStableFunc(newest, func(a, b *Image) int { return b.PushedAt.Compare(a.PushedAt) })
		return newest[min(s.CountNumber, len(newest)):]
	}
	before := now.AddDate(0, 0, -s.CountNumber)
	for _, im := range images {
		at := im.PushedAt
		if s.CountType == sincePulled && im.PulledAt.After(at) {
			at = im.PulledAt
		}
		if s.CountType == sinceTransitioned {
			at = im.ArchivedAt
		}
		if at.Before(before) {
			list = append(list, im)
		}
	}
	return list
}
