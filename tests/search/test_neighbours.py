"""The nearest, exactly and nearly: beside numpy by hand, after additions and deletions too."""

import errno
import sys

import numpy as np
import pytest

from rsclip_lab.search import exact, neighbours
from rsclip_lab.search.exact import exact_neighbours
from rsclip_lab.search.inverted_file import InvertedFile, recall, simulated_queries
from rsclip_lab.search.neighbours import Neighbours


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def by_hand(vectors, queries, k, left_out=()):
    """All cosines sorted, in float64."""
    cosines = queries.astype(float) @ vectors.astype(float).T
    cosines[:, list(left_out)] = -np.inf
    rows = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(cosines, rows, axis=1), rows


@pytest.fixture(scope="module")
def clustered():
    """20,000 vectors of 64 in 100 clusters."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((100, 64))
    return unit(centres[random.integers(0, 100, 20_000)] + random.standard_normal((20_000, 64)))


@pytest.fixture(scope="module")
def inverted(clustered):
    return InvertedFile.build(clustered)


@pytest.fixture
def approximate(clustered, inverted):
    return Neighbours(clustered, inverted)


@pytest.mark.parametrize("queries", [1, 7])
@pytest.mark.parametrize("k", [1, 5, 90])
def test_exact_is_what_numpy_sorts(monkeypatch, queries, k):
    monkeypatch.setattr(exact, "ROWS", 17)
    monkeypatch.setattr(exact, "QUERIES", 3)
    random = np.random.default_rng(1)
    vectors, asked = unit(random.standard_normal((90, 8))), unit(random.standard_normal((queries, 8)))
    left_out = np.zeros(90, bool)
    for gone in ([], [3, 4, 40, 89]):
        left_out[gone] = True
        scores, rows = exact_neighbours(vectors, asked, k, left_out)
        expected, where = by_hand(vectors, asked, min(k, 90 - len(gone)), gone)
        assert np.array_equal(rows, where)
        np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_equal_ones_come_in_their_order():
    vectors = np.repeat(unit(np.eye(2)), [3, 2], axis=0)
    assert exact_neighbours(vectors, vectors[:1], 3)[1].tolist() == [[0, 1, 2]]


def test_approximate_finds_what_exact_does_for_both_kinds_of_queries(clustered, approximate):
    for queries in simulated_queries(clustered, 300, seed=7).values():
        truth = by_hand(clustered, queries, 10)
        scores, rows = approximate.search(queries, 10)
        assert recall(rows, truth[1]) >= 0.95
        found = rows == truth[1]
        assert found.mean() > 0.9
        np.testing.assert_allclose(scores[found], truth[0][found], atol=1e-6)  # exact, though the codes are not
        one = np.concatenate([approximate.search(query[None], 10)[1] for query in queries[:20]])
        assert np.array_equal(one, rows[:20])


def test_it_says_what_it_was_tuned_to_and_reads_a_part_only(inverted):
    assert {*inverted.recall} == {"image-like", "text-like"} and min(inverted.recall.values()) >= 0.97
    assert 1 < inverted.lists_read < inverted.index.nlist / 2


def test_lists_enough_for_pictures_are_too_few_for_texts(clustered, inverted):
    """Why both kinds are tuned on."""
    queries = simulated_queries(clustered, 300, seed=7)
    few = {
        kind: recall(inverted._search(clustered, asked, 10, 14)[1], exact_neighbours(clustered, asked, 10)[1])
        for kind, asked in queries.items()
    }
    assert few["image-like"] > 0.98 and few["text-like"] < 0.9


@pytest.mark.parametrize("k", [1, 50, 100, 101, 500])
def test_other_numbers_of_neighbours(clustered, approximate, k):
    queries = simulated_queries(clustered, 100, seed=8)["text-like"]
    scores, rows = approximate.search(queries, k)
    assert rows.shape == scores.shape == (100, k)
    assert recall(rows, by_hand(clustered, queries, k)[1]) >= 0.95


def test_simulated_queries_are_what_they_are_called():
    vectors = unit(np.random.default_rng(4).standard_normal((2000, 512)))
    queries = simulated_queries(vectors, 300)
    for kind, cosine in {"image-like": 0.958, "text-like": 0.3}.items():
        np.testing.assert_allclose(np.linalg.norm(queries[kind], axis=1), 1, atol=1e-6)
        np.testing.assert_allclose((queries[kind] @ vectors.T).max(axis=1), cosine, atol=1e-3)


def test_deleted_ones_are_passed_over_and_appended_ones_found(clustered, approximate):
    random = np.random.default_rng(2)
    new = unit(random.standard_normal((50, 64)))
    gone = random.choice(20_000, 3000, replace=False)
    approximate.delete(gone)
    approximate.append(new)
    approximate.delete([20_003])
    assert len(approximate) == 20_000 - 3000 + 49 and approximate.changed
    everything, left_out = np.concatenate([clustered, new]), [*gone, 20_003]
    for queries in simulated_queries(clustered, 200, seed=9).values():
        rows = approximate.search(queries, 10)[1]
        assert not {*rows.ravel()} & {*left_out}
        assert recall(rows, by_hand(everything, queries, 10, left_out)[1]) >= 0.95
    assert approximate.search(new[:3], 1)[1].ravel().tolist() == [20_000, 20_001, 20_002]
    assert np.array_equal(approximate.vectors_of([20_001, 5]), everything[[20_001, 5]])


def test_when_hardly_any_is_left_all_of_them_are_found(clustered, approximate):
    approximate.delete(range(12, 20_000))
    scores, rows = approximate.search(clustered[:3], 10)
    assert rows.shape == (3, 10) and rows.max() < 12
    assert np.array_equal(rows, by_hand(clustered[:12], clustered[:3], 10)[1])
    assert approximate.search(clustered[:3], 40)[1].shape == (3, 12)


def test_settled_is_a_fresh_build(clustered, approximate):
    approximate.delete(range(0, 20_000, 2))
    approximate.append(clustered[:4])
    settled = approximate.settled()
    assert settled.approximate is None and not settled.changed  # 10,004 are few
    assert np.array_equal(settled.base, np.concatenate([clustered[1::2], clustered[:4]]))


def test_the_size_decides(clustered, monkeypatch):
    monkeypatch.setattr(InvertedFile, "build", lambda vectors: "built")
    assert Neighbours.build(clustered).approximate is None
    assert Neighbours.build(clustered, exact_below=20_000).approximate == "built"


def test_without_faiss_all_are_compared_and_it_is_said(clustered, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.warns(UserWarning, match=r'pip install "rsclip-lab\[search\]"'):
        found = Neighbours.build(clustered, exact_below=1000)
    assert found.approximate is None
    assert found.search(clustered[:2], 1)[1].ravel().tolist() == [0, 1]


def test_written_and_read_it_answers_the_same(clustered, inverted, tmp_path):
    inverted.write(tmp_path / "a.faiss")
    again = InvertedFile.read(tmp_path / "a.faiss", 20_000, 64, inverted.lists_read, inverted.recall)
    queries = simulated_queries(clustered, 20, seed=3)["text-like"]
    for one, other in zip(inverted.search(clustered, queries, 10), again.search(clustered, queries, 10), strict=True):
        assert np.array_equal(one, other)
    for wrong in ((19_999, 64, 5), (20_000, 65, 5), (20_000, 64, 0), (20_000, 64, 100_000)):
        with pytest.raises(ValueError, match="is not the index of"):
            InvertedFile.read(tmp_path / "a.faiss", *wrong, {})
    (tmp_path / "a.faiss").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="faiss cannot read it"):
        InvertedFile.read(tmp_path / "a.faiss", 20_000, 64, 5, {})


def written_by_faiss(vectors, path, lists=10, ids=None, on_disk=None, centres=None, kind="QT_8bit_uniform"):
    """A file like ours, or nearly."""
    import faiss

    dim, metric = vectors.shape[1], faiss.METRIC_INNER_PRODUCT
    quantizer = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(quantizer, dim, lists, getattr(faiss.ScalarQuantizer, kind), metric, False)
    index.train(vectors)
    if on_disk:
        inverted_lists = faiss.OnDiskInvertedLists(lists, index.code_size, str(on_disk))
        index.replace_invlists(inverted_lists)
    index.add_with_ids(vectors, np.arange(len(vectors)) if ids is None else ids)
    if centres:
        more = faiss.IndexFlatIP(dim)
        more.add(np.resize(vectors, (centres, dim)))
        index.quantizer = more
    faiss.write_index(index, str(path))


def test_of_faiss_files_only_such_as_are_written_here_are_read(tmp_path, monkeypatch):
    import faiss

    vectors = unit(np.random.default_rng(0).standard_normal((500, 16)))
    written_by_faiss(vectors, tmp_path / "good.faiss")
    assert InvertedFile.read(tmp_path / "good.faiss", 500, 16, 5, {}).index.ntotal == 500
    written_by_faiss(vectors, tmp_path / "far.faiss", ids=np.arange(500) + 10**9)
    written_by_faiss(vectors, tmp_path / "twice.faiss", ids=np.zeros(500, np.int64))
    read, real = [], faiss.read_index
    monkeypatch.setattr(faiss, "read_index", lambda path: read.append(path) or real(path))
    for name in ("far", "twice"):
        with pytest.raises(ValueError, match="is not the index of 500 vectors"):
            InvertedFile.read(tmp_path / f"{name}.faiss", 500, 16, 5, {})
    read.clear()
    secret = tmp_path / "secret"
    written_by_faiss(vectors, tmp_path / "elsewhere.faiss", on_disk=secret)
    written_by_faiss(vectors, tmp_path / "centres.faiss", centres=20)
    written_by_faiss(vectors, tmp_path / "each.faiss", kind="QT_8bit")  # a scale for each component
    faiss.write_index(faiss.IndexFlatIP(16), str(tmp_path / "flat.faiss"))
    for name in ("elsewhere", "centres", "each", "flat"):
        with pytest.raises(ValueError, match="is not the index of 500 vectors|faiss cannot read it"):
            InvertedFile.read(tmp_path / f"{name}.faiss", 500, 16, 5, {})
    assert not read  # by faiss, which would have mapped the file `secret`


def test_a_full_disk_is_an_error_of_the_system(inverted):
    with pytest.raises(OSError, match="No space left on device") as error:
        inverted.write("/dev/full")
    assert error.value.errno == errno.ENOSPC


def test_much_changed_asks_to_be_settled(clustered, approximate, monkeypatch):
    approximate.append(clustered[:100])
    assert not approximate.unsettled
    approximate.append(clustered[:4000])
    assert approximate.unsettled
    exact_one = Neighbours(clustered[:10])
    exact_one.append(clustered[10:20])
    assert not exact_one.unsettled
    monkeypatch.setattr(neighbours, "EXACT_BELOW", 20)
    assert exact_one.unsettled
