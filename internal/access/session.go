package access

import (
	"muster/internal/arn"
	"muster/internal/awsmodel"
)

// sessionActions are the further permissions that assuming a role needs: tags
// and a source identity that the request sets, or that a chain of sessions
// hands on.
func sessionActions(call *awsmodel.Call, op *awsmodel.Operation, in any) []string {
	if op.Service != "sts" || op.Name != "AssumeRole" && op.Name != "GetFederationToken" {
		return nil
	}
	from := &arn.Session{}
	if call.Principal.Session != nil {
		from = call.Principal.Session
	}
	var list []string
	if len(tagsOf(in)) > 0 || len(from.Transitive) > 0 {
		list = append(list, "sts:TagSession")
	}
	if field(in, "SourceIdentity") != "" || from.SourceIdentity != "" {
		list = append(list, "sts:SetSourceIdentity")
	}
	return list
}

// limits refuses what credentials of GetSessionToken and GetFederationToken are
// not good for: IAM, and of STS all but asking who one is and, for the former,
// assuming roles.
func limits(call *awsmodel.Call, op *awsmodel.Operation) error {
	s := call.Principal.Session
	if s == nil || s.Origin != arn.FromGetSessionToken && s.Origin != arn.FromGetFederationToken {
		return nil
	}
	switch {
	case op.Service == "iam":
		return &awsmodel.Fault{Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid", Status: 403}
	case op.Service != "sts", op.Name == "GetCallerIdentity", op.Name == "AssumeRole" && s.Origin == arn.FromGetSessionToken:
		return nil
	}
	return refusalOf(op.Service)("Cannot call " + op.Name + " with session credentials")
}
