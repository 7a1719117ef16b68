package registry_test

import (
	"strings"
	"testing"
	"time"

	"muster/internal/awsmodel/ecr"
	desk "muster/internal/ecr"
	"muster/internal/pagetoken"
)

// TestLifecycleInECR: a policy is tried out, acts later and by itself, in the
// registry too; what it archives is not scanned any more.
func TestLifecycleInECR(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		c, token := w.connect(hub.URL, robot())
		pages, err := pagetoken.New(pagetoken.NewKey())
		if err != nil {
			w.Fatal(err)
		}
		e := desk.New(desk.Config{Store: w.store, Pages: pages, Images: w.scan, Registry: w.desk, Now: func() time.Time { return w.now }})
		old := w.pushAndTell(c, token, hub.URL, "app:v1", debian(w.T, "amd64", "bash=5.2-1"))
		w.now = w.now.Add(time.Hour)
		kept := w.pushAndTell(c, token, hub.URL, "app:v2", debian(w.T, "amd64", "bash=5.2-2"))

		policy := `{"rules":[{"rulePriority":1,"description":"the newest one","selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`
		for text, want := range map[string]string{
			strings.Replace(policy, "expire", "delete", 1): "InvalidParameterException", policy: "<nil>",
		} {
			_, err := e.StartLifecyclePolicyPreview(w.Context(), w.call(), &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: "app", LifecyclePolicyText: &text})
			if got := code(err); got != want {
				w.Errorf("a preview of %s: %s, want %s", text, got, want)
			}
		}
		preview, err := e.GetLifecyclePolicyPreview(w.Context(), w.call(), &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: "app"})
		if err != nil {
			w.Fatal(err)
		}
		if r := preview.PreviewResults; preview.Status != ecr.LifecyclePolicyPreviewStatusComplete || len(r) != 1 || *r[0].ImageDigest != old || *r[0].AppliedRulePriority != 1 || *preview.Summary.ExpiringImageTotalCount != 1 {
			w.Errorf("preview %+v", preview)
		}
		if _, err := e.GetLifecyclePolicy(w.Context(), w.call(), &ecr.GetLifecyclePolicyInput{RepositoryName: "app"}); code(err) != "LifecyclePolicyNotFoundException" {
			w.Errorf("a preview is a policy: %v", err)
		}

		if _, err := e.PutLifecyclePolicy(w.Context(), w.call(), &ecr.PutLifecyclePolicyInput{RepositoryName: "app", LifecyclePolicyText: policy}); err != nil {
			w.Fatal(err)
		}
		w.lifecycle(e, 0)
		w.now = w.now.Add(time.Hour)
		w.lifecycle(e, 1)
		w.work()
		images, err := e.DescribeImages(w.Context(), w.call(), &ecr.DescribeImagesInput{RepositoryName: "app"})
		if err != nil || len(images.ImageDetails) != 1 || *images.ImageDetails[0].ImageDigest != kept {
			w.Errorf("left are %+v, %v", images, err)
		}
		got, err := e.GetLifecyclePolicy(w.Context(), w.call(), &ecr.GetLifecyclePolicyInput{RepositoryName: "app"})
		if err != nil || *got.LifecyclePolicyText != policy || got.LastEvaluatedAt == nil || !got.LastEvaluatedAt.Equal(w.now) {
			w.Errorf("the policy is %+v, %v", got, err)
		}

		// The next day another policy archives what is left.
		policy = `{"rules":[{"rulePriority":7,"selection":{"tagStatus":"tagged","tagPatternList":["v*"],"countType":"sinceImagePushed","countUnit":"days","countNumber":3},"action":{"type":"transition","targetStorageClass":"archive"}}]}`
		if _, err := e.PutLifecyclePolicy(w.Context(), w.call(), &ecr.PutLifecyclePolicyInput{RepositoryName: "app", LifecyclePolicyText: policy}); err != nil {
			w.Fatal(err)
		}
		w.now = w.now.Add(96 * time.Hour)
		w.lifecycle(e, 1)
		w.work()
		find := &ecr.DescribeImageScanFindingsInput{RepositoryName: "app", ImageId: &ecr.ImageIdentifier{ImageTag: new("v2")}}
		if _, err := e.DescribeImageScanFindings(w.Context(), w.call(), find); code(err) != "ImageArchivedException" {
			w.Errorf("findings of an archived image: %v", err)
		}
		if listed, err := e.ListImages(w.Context(), w.call(), &ecr.ListImagesInput{RepositoryName: "app"}); err != nil || len(listed.ImageIds) != 0 {
			w.Errorf("listed %+v, %v", listed, err)
		}
		restore := &ecr.UpdateImageStorageClassInput{RepositoryName: "app", ImageId: find.ImageId, TargetStorageClass: ecr.TargetStorageClassStandard}
		if out, err := e.UpdateImageStorageClass(w.Context(), w.call(), restore); err != nil || out.ImageStatus != ecr.ImageStatusActive {
			w.Errorf("restored %+v, %v", out, err)
		}
		if _, err := e.UpdateImageStorageClass(w.Context(), w.call(), restore); code(err) != "ImageStorageClassUpdateNotSupportedException" {
			w.Errorf("restored twice: %v", err)
		}
		w.work()
		if out, err := e.DescribeImageScanFindings(w.Context(), w.call(), find); err != nil || len(out.ImageScanFindings.EnhancedFindings) != 1 {
			w.Errorf("findings of a restored image: %+v, %v", out, err)
		}
	})
}

// lifecycle does the desk's jobs that are due, which have to be so many.
func (w *world) lifecycle(e *desk.Service, want int) {
	w.Helper()
	jobs, err := w.store.Claim(w.Context(), desk.JobLifecycle, 10, time.Minute)
	if err != nil || len(jobs) != want {
		w.Fatalf("%d jobs, want %d, %v", len(jobs), want, err)
	}
	for _, j := range jobs {
		if err := e.Jobs()[desk.JobLifecycle](w.Context(), j); err != nil {
			w.Fatal(err)
		}
		if err := w.store.Complete(w.Context(), j); err != nil {
			w.Fatal(err)
		}
	}
}

// TestPolicyKeepsInspectorOut goes through the desk, as callers do.
func TestPolicyKeepsInspectorOut(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		c, token := w.connect(hub.URL, robot())
		e := w.ecr()
		w.pushAndTell(c, token, hub.URL, "app:v1", debian(w.T, "amd64", "bash=5.2-1"))
		status := func() ecr.ScanStatus {
			w.Helper()
			w.work()
			out, err := e.DescribeImages(w.Context(), w.call(), &ecr.DescribeImagesInput{RepositoryName: "app"})
			if err != nil {
				w.Fatal(err)
			}
			return out.ImageDetails[0].ImageScanStatus.Status
		}
		deny := `{"Version":"2012-10-17","Statement":[{"Sid":"no","Effect":"Deny","Principal":"*","Action":["ecr:BatchGetImage"]}]}`
		if _, err := e.SetRepositoryPolicy(w.Context(), w.call(), &ecr.SetRepositoryPolicyInput{RepositoryName: "app", PolicyText: deny}); err != nil {
			w.Fatal(err)
		}
		if got := status(); got != ecr.ScanStatusFailed {
			w.Errorf("kept out: %s", got)
		}
		if _, err := e.DeleteRepositoryPolicy(w.Context(), w.call(), &ecr.DeleteRepositoryPolicyInput{RepositoryName: "app"}); err != nil {
			w.Fatal(err)
		}
		if got := status(); got != ecr.ScanStatusActive {
			w.Errorf("let in: %s", got)
		}
	})
}
