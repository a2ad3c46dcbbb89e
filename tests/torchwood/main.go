// Checks texts of C2SP tlog-proof with filippo.io/torchwood, of which Hutong uses nothing. It shows that others can check our receipts.
//
//	torchwood POLICY PROOF [LEAF]
//
// POLICY is a C2SP tlog-policy; the leaf is the one in the file LEAF, or the one in the proof's extra line. It prints `included
// <leaf hash>`, or says on standard error why not and exits with 1.
package main

import (
	"fmt"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 3 && len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: torchwood POLICY PROOF [LEAF]")
		os.Exit(2)
	}
	hash, err := check(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("included %s\n", hash)
}

func check(policyPath, proofPath string, leafPath []string) (tlog.Hash, error) {
	policyText, err := os.ReadFile(policyPath)
	if err != nil {
		return tlog.Hash{}, err
	}
	policy, err := torchwood.ParsePolicy(policyText)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("policy: %w", err)
	}
	proof, err := os.ReadFile(proofPath)
	if err != nil {
		return tlog.Hash{}, err
	}
	leaf, err := readLeaf(proof, leafPath)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("leaf: %w", err)
	}
	hash := tlog.RecordHash(leaf)
	if err := torchwood.VerifyProof(policy, hash, proof); err != nil {
		return tlog.Hash{}, fmt.Errorf("proof: %w", err)
	}
	return hash, nil
}

func readLeaf(proof []byte, path []string) ([]byte, error) {
	if len(path) == 1 {
		return os.ReadFile(path[0])
	}
	return torchwood.ProofExtraData(proof)
}
