// Package managed holds the AWS-managed policies that exist by name in every
// account. The policies of Inspector, Organizations, IAM and ECR grant on
// muster's services what AWS's own grant; the broad ones (ReadOnlyAccess,
// SecurityAudit) and the service roles' leave out what concerns services that
// muster does not have.
package managed

import (
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/policy"
)

//go:embed policies
var files embed.FS

// Policy is an AWS-managed policy.
type Policy struct {
	Name string
	// Path is "/", "/job-function/", "/service-role/", "/root-task/" or, for
	// services' own roles, "/aws-service-role/".
	Path string
	// ID is the unique id, ANPA…; it follows from the ARN.
	ID          string
	ARN         arn.ARN
	Description string
	Version     string
	Created     time.Time
	// Document is the policy's text; Parsed is the same, parsed.
	Document string
	Parsed   *policy.Document
}

// Attachable reports whether customers may attach the policy. Those of services'
// own roles, and of root tasks, belong to these alone.
func (p *Policy) Attachable() bool { return p.Path != "/aws-service-role/" && p.Path != "/root-task/" }

// Set is all AWS-managed policies. It does not change after Load.
type Set struct {
	byARN  map[arn.ARN]*Policy
	sorted []*Policy
}

// Load reads the policies that are part of the program.
func Load() (*Set, error) {
	s := &Set{byARN: map[arn.ARN]*Policy{}}
	err := fs.WalkDir(files, "policies", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		p, err := load(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.byARN[p.ARN] = p
		s.sorted = append(s.sorted, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("AWS-managed policies: %w", err)
	}
	slices.SortFunc(s.sorted, func(a, b *Policy) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return s, nil
}

func load(name string) (*Policy, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var file struct {
		Description, Version string
		Created              time.Time
		Document             json.RawMessage
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	p := &Policy{
		Name: strings.TrimSuffix(path.Base(name), ".json"), Path: path.Join("/", strings.TrimPrefix(path.Dir(name), "policies")),
		Description: file.Description, Version: file.Version, Created: file.Created, Document: string(file.Document),
	}
	if p.Path != "/" {
		p.Path += "/"
	}
	p.ARN = arn.ARN("arn:aws:iam::aws:policy" + p.Path + p.Name)
	sum := sha256.Sum256([]byte(p.ARN))
	p.ID = "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
	p.Parsed, err = policy.Parse(p.Document, policy.Managed)
	return p, err
}

// Get returns the policy of an ARN, or nil.
func (s *Set) Get(a arn.ARN) *Policy { return s.byARN[a] }

// All lists the policies in the order of their names. Callers must not change
// the list.
func (s *Set) All() []*Policy { return s.sorted }

// IsManaged reports whether an ARN names an AWS-managed policy, known or not.
func IsManaged(a arn.ARN) bool { return strings.HasPrefix(string(a), "arn:aws:iam::aws:policy/") }
