// Package cluster watches a Kubernetes cluster and says which images its pods
// run, by digest and workload. It speaks the API server's own list and watch
// protocol, of which it needs pods alone.
package cluster

import (
	"cmp"
	"slices"
	"strings"
)

// Use is how many pods of a workload run an image.
type Use struct {
	Digest       string `json:"digest"`
	Namespace    string `json:"namespace,omitempty"`
	WorkloadType string `json:"workloadType,omitempty"`
	WorkloadName string `json:"workloadName,omitempty"`
	Running      int64  `json:"runningCount"`
	Stopped      int64  `json:"stoppedCount,omitempty"`
}

// pod is the part of a pod that is read.
type pod struct {
	Metadata struct {
		UID             string            `json:"uid"`
		Name            string            `json:"name"`
		Namespace       string            `json:"namespace"`
		ResourceVersion string            `json:"resourceVersion"`
		Labels          map[string]string `json:"labels"`
		Owners          []struct {
			Kind       string `json:"kind"`
			Name       string `json:"name"`
			Controller *bool  `json:"controller"`
		} `json:"ownerReferences"`
	} `json:"metadata"`
	Status struct {
		Containers []container `json:"containerStatuses"`
		Init       []container `json:"initContainerStatuses"`
		Ephemeral  []container `json:"ephemeralContainerStatuses"`
	} `json:"status"`
}

type container struct {
	ImageID string `json:"imageID"`
	State   struct {
		Running    *struct{} `json:"running"`
		Terminated *struct{} `json:"terminated"`
	} `json:"state"`
}

// workload is what a pod belongs to: its controller, or the Deployment behind
// a ReplicaSet, or the pod itself.
func (p *pod) workload() (kind, name string) {
	for _, o := range p.Metadata.Owners {
		if o.Controller == nil || !*o.Controller {
			continue
		}
		if hash := p.Metadata.Labels["pod-template-hash"]; o.Kind == "ReplicaSet" && hash != "" {
			if deployment, ok := strings.CutSuffix(o.Name, "-"+hash); ok {
				return "Deployment", deployment
			}
		}
		return o.Kind, o.Name
	}
	return "Pod", p.Metadata.Name
}

// digestOf reads the digest in what a container runtime says of an image:
// docker.io/library/nginx@sha256:…, docker-pullable://…, sha256:….
func digestOf(imageID string) string {
	i := strings.LastIndex(imageID, "sha256:")
	if i < 0 {
		return ""
	}
	digest := imageID[i:]
	if len(digest) != 71 || strings.Trim(digest[7:], "0123456789abcdef") != "" {
		return ""
	}
	return digest
}

// uses adds up the images of pods; a pod counts once per image, as running if
// any container with it does.
func uses(pods map[string]*pod) []Use {
	type place struct{ digest, namespace, kind, name string }
	sums := map[place]*Use{}
	for _, p := range pods {
		kind, name := p.workload()
		running := map[string]bool{}
		for _, c := range slices.Concat(p.Status.Containers, p.Status.Init, p.Status.Ephemeral) {
			if d := digestOf(c.ImageID); d != "" && (c.State.Running != nil || c.State.Terminated != nil) {
				running[d] = running[d] || c.State.Running != nil
			}
		}
		for digest, runs := range running {
			at := place{digest, p.Metadata.Namespace, kind, name}
			if sums[at] == nil {
				sums[at] = &Use{Digest: digest, Namespace: at.namespace, WorkloadType: kind, WorkloadName: name}
			}
			if runs {
				sums[at].Running++
			} else {
				sums[at].Stopped++
			}
		}
	}
	list := make([]Use, 0, len(sums))
	for _, u := range sums {
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b Use) int {
		return cmp.Or(strings.Compare(a.Digest, b.Digest), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.WorkloadType, b.WorkloadType), strings.Compare(a.WorkloadName, b.WorkloadName))
	})
	return list
}
