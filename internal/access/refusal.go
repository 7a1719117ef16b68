package access

import (
	"fmt"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/policy"
)

// refusalOf makes a service's AccessDenied: query services and REST answer
// with 403, JSON 1.1 with 400. The empty service is the one whose operation
// asks for a further permission; those are Inspector's.
func refusalOf(service string) func(message string) error {
	code, status := "AccessDeniedException", 403
	switch service {
	case "iam", "sts":
		code = "AccessDenied"
	case "organizations", "ecr":
		status = 400
	}
	return func(message string) error { return &awsmodel.Fault{Code: code, Message: message, Status: status} }
}

// refusal is the text of a denial, as AWS words it.
func (t *target) refusal(who arn.Principal, action string, d policy.Decision) string {
	text := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", who.ARN, action, t.shown())
	if t.terse {
		return text
	}
	if d.Explicit {
		article := "a"
		if d.Layer == policy.IdentityLayer {
			article = "an"
		}
		return fmt.Sprintf("%s with an explicit deny in %s %s", text, article, d.Layer)
	}
	return fmt.Sprintf("%s because no %s allows the %s action", text, d.Layer, action)
}
