"""Writes recorded.json: random batches and what scikit-learn measures on them. PYTHON test/metrics/record.py"""
import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics as m

rng = np.random.default_rng(7)
cases = []
for rows, classes in [(1, 2), (7, 2), (40, 2), (33, 3), (64, 5), (150, 10)]:
    scores = rng.normal(size=(rows, classes)).astype(np.float32)
    scores = np.round(scores, 1)  # ties
    target = rng.integers(0, classes, rows)
    if rows > classes:
        target[:classes] = np.arange(classes)
    label = scores.argmax(1)
    answers = {
        "accuracy": m.accuracy_score(target, label),
        "confusion": m.confusion_matrix(target, label, labels=range(classes)).tolist(),
    }
    for average in ["macro", "micro", "weighted"] + (["binary"] if classes == 2 else []) + ["none"]:
        how = {"average": None if average == "none" else average, "zero_division": 0}
        if average == "none":
            how["labels"] = range(classes)
        for name, f in [("Precision", m.precision_score), ("Recall", m.recall_score), ("F1Score", m.f1_score), ("JaccardIndex", m.jaccard_score)]:
            answers[f"{name}.{average}"] = np.asarray(f(target, label, **how)).tolist()
    for k in range(2, classes):
        # scikit-learn breaks ties by the last class, so ties are left to a test of their own
        distinct = scores + np.arange(classes) * 1e-3
        answers[f"top{k}"] = m.top_k_accuracy_score(target, -(-distinct), k=k, labels=range(classes))
    if rows > classes:
        if classes == 2:
            answers["auroc"] = m.roc_auc_score(target, scores[:, 1])
        else:
            e = np.exp(scores.astype(np.float64))
            # one against the rest, of columns that keep their order
            areas = [m.roc_auc_score(target == c, scores[:, c]) for c in range(classes)]
            counts = np.bincount(target, minlength=classes)
            answers["auroc"] = float(np.mean(areas))
            answers["auroc.weighted"] = float(np.average(areas, weights=counts))
    cases.append({"scores": scores.astype(float).round(6).tolist(), "target": target.tolist(), "answers": answers})

pairs = []
for rows in [2, 9, 100]:
    p, t = (rng.normal(mean, sd, size=rows).astype(np.float32).astype(np.float64) for mean, sd in [(0, 1), (3, 2)])
    pairs.append({
        "predictions": p.tolist(),
        "targets": t.tolist(),
        "answers": {"mae": m.mean_absolute_error(t, p), "mse": m.mean_squared_error(t, p), "r2": m.r2_score(t, p)},
    })
Path(__file__).with_name("recorded.json").write_text(json.dumps({"scikit-learn": sklearn.__version__, "classes": cases, "numbers": pairs}, default=float) + "\n")
