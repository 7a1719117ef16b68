package awsmodel_test

import (
	"context"
	"strings"
	"testing"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/awsmodel/sts"
)

// TestCoveragePage draws the page of two services.
func TestCoveragePage(t *testing.T) {
	handlers := sts.Handlers{GetCallerIdentity: func(context.Context, *awsmodel.Call, *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
		return nil, nil
	}}
	page := awsmodel.CoveragePage([]awsmodel.ServiceCoverage{
		{Title: "AWS STS", Service: handlers.Service()}, {Title: "Inspector Scan", Service: inspectorscan.Handlers{}.Service()},
	})
	for _, line := range []string{
		"| [AWS STS](#sts) | query | 2011-06-15 | 11 | 1 |", "| [Inspector Scan](#inspector-scan) | rest-json | 2023-08-08 | 1 | 0 |",
		"## sts", "| GetCallerIdentity | implemented |", "| AssumeRole | not yet |", "| ScanSbom | not yet |",
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("the page lacks %q:\n%s", line, page)
		}
	}
	if strings.Index(page, "| AssumeRole |") > strings.Index(page, "| GetCallerIdentity |") {
		t.Error("operations are not sorted")
	}
}

// TestInvoke runs an operation through the table.
func TestInvoke(t *testing.T) {
	call := &awsmodel.Call{RequestID: "id"}
	h := sts.Handlers{GetCallerIdentity: func(_ context.Context, c *awsmodel.Call, in *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
		return &sts.GetCallerIdentityOutput{UserId: &c.RequestID}, nil
	}, AssumeRole: func(context.Context, *awsmodel.Call, *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
		return nil, &sts.RegionDisabledException{Message: "off"}
	}}
	for _, op := range h.Operations() {
		switch op.Name {
		case "GetCallerIdentity":
			out, err := op.Invoke(t.Context(), call, op.NewInput())
			if err != nil || *out.(*sts.GetCallerIdentityOutput).UserId != "id" || op.Action() != "sts:GetCallerIdentity" {
				t.Errorf("got %v, %v", out, err)
			}
		case "AssumeRole":
			out, err := op.Invoke(t.Context(), call, op.NewInput())
			e, ok := err.(awsmodel.Error)
			if out != nil || !ok || e.ErrorCode() != "RegionDisabledException" || e.HTTPStatus() != 403 {
				t.Errorf("got %v, %v", out, err)
			}
		default:
			if op.Invoke != nil {
				t.Errorf("%s is implemented by nobody", op.Name)
			}
		}
	}
}
