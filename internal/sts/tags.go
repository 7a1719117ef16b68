package sts

import (
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
)

// carry works out the tags and the source identity of a role's session from
// the request and the session that asks, if one does.
func carry(session, from *arn.Session, in *api.AssumeRoleInput) (err error) {
	if session.Tags, err = tags(in.Tags); err != nil {
		return err
	}
	for _, key := range in.TransitiveTagKeys {
		if _, ok := find(session.Tags, key); !ok {
			return invalidParameter("The specified transitive tag key must be included in the requested tags.")
		}
	}
	session.Transitive = in.TransitiveTagKeys
	if in.SourceIdentity != nil {
		session.SourceIdentity = *in.SourceIdentity
	}
	if strings.HasPrefix(strings.ToLower(session.SourceIdentity), "aws:") {
		return invalid("The source identity must not begin with aws:.")
	}
	if from == nil {
		return nil
	}
	return inherit(session, from)
}

// inherit hands on what a chain of sessions keeps.
func inherit(session, from *arn.Session) error {
	for _, key := range from.Transitive {
		name, ok := find(from.Tags, key)
		if !ok {
			continue
		}
		if _, taken := find(session.Tags, key); taken {
			return invalidParameter("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		if session.Tags == nil {
			session.Tags = map[string]string{}
		}
		session.Tags[name] = from.Tags[name]
		session.Transitive = append(slices.Clone(session.Transitive), name)
	}
	switch {
	case from.SourceIdentity == "":
	case session.SourceIdentity == "":
		session.SourceIdentity = from.SourceIdentity
	case session.SourceIdentity != from.SourceIdentity:
		return denied("The source identity of a session cannot be changed: it is " + from.SourceIdentity + ".")
	}
	return nil
}

// tags reads session tags, whose keys differ by more than the case of letters.
func tags(list []api.Tag) (map[string]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, t := range list {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalidParameter("Tag keys beginning with aws: are reserved for AWS.")
		}
		if _, ok := find(out, t.Key); ok {
			return nil, invalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		out[t.Key] = t.Value
	}
	return out, nil
}

// find finds a tag's key in any case of letters.
func find(tags map[string]string, key string) (string, bool) {
	for name := range tags {
		if strings.EqualFold(name, key) {
			return name, true
		}
	}
	return "", false
}

func invalidParameter(message string) error {
	return &awsmodel.Fault{Code: "InvalidParameterValue", Message: message, Status: 400}
}
