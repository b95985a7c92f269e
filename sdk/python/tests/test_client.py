import unittest

from loop_governance import Blocked, Loop, Pending, Undecided

from .server import ServerTest, nobody, says


class Decisions(ServerTest):
    def test_what_the_policy_says_is_what_happens(self):
        for url in (self.url, self.url + "/", self.unix):
            loop = Loop(url, self.key, agent="bot", session="s")
            loop.check("read_file", {"path": "a"})
            with self.assertRaisesRegex(Blocked, "'wipe' is blocked"):
                loop.check("wipe", {})

    def test_what_is_approved_passes_once_and_unchanged(self):
        loop = Loop(self.url, self.key, agent="bot")
        text = '{"amount": 9007199254740993, "currency": "GBP"}'
        with self.assertRaises(Pending) as first:
            loop.check_json("send_payment", text)
        self.assertIn(first.exception.approval_id, str(first.exception))
        self.approve()
        with self.assertRaises(Pending):
            loop.check_json("send_payment", text.replace("993", "992"))
        loop.check_json("send_payment", text)
        with self.assertRaises(Pending):
            loop.check_json("send_payment", text)

    def test_a_key_that_is_none_decides_nothing(self):
        with self.assertRaises(Undecided) as refusal:
            Loop(self.url, "tl_unknown").check("read_file", {})
        self.assertNotIn("tl_unknown", str(refusal.exception))


class NoDecision(unittest.TestCase):
    def test_an_answer_that_is_no_whole_yes_is_a_no(self):
        yes = b'{"allowed":true,"status":"ALLOWED","message":"m"}'
        whole = lambda status, body: b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)
        for answer in (
            b"",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n" + yes,
            whole(b"200 OK", b"{}"),
            whole(b"200 OK", b"[]"),
            whole(b"200 OK", b"null"),
            whole(b"200 OK", b"true"),
            whole(b"200 OK", b'{"status":"ALLOWED"}'),
            whole(b"200 OK", b'{"allowed":true}'),
            whole(b"200 OK", b'{"allowed":"true","status":"ALLOWED"}'),
            whole(b"200 OK", b'{"allowed":1,"status":"ALLOWED"}'),
            whole(b"200 OK", b'{"allowed":true,"status":"PENDING"}'),
            whole(b"200 OK", b'{"allowed":false,"status":"PENDING"}'),
            whole(b"500 Oh", yes),
            whole(b"202 Accepted", yes),
            whole(b"200 OK", yes + b" " * (1 << 20)),
            whole(b"302 Found\r\nlocation: /", yes),
        ):
            with self.subTest(answer[:120]), self.assertRaises(Undecided):
                Loop(says(answer), "k").check("t", {})
        Loop(says(whole(b"200 OK", yes)), "k").check("t", {})

    def test_no_server_no_sense_and_no_json_are_a_no(self):
        with self.assertRaises(Undecided):
            Loop(nobody(), "k").check("t", {})
        with self.assertRaises(Undecided):
            Loop("unix:/nowhere/loop.sock", "k").check("t", {})
        for arguments in ({"x": float("nan")}, {"x": object()}, {"x": b"bytes"}):
            with self.assertRaises(Undecided):
                Loop(nobody(), "k").check("t", arguments)
        for text in ("", "[]", "{", '"x"', '{}, "agent_name": "another"'):
            with self.assertRaises(Undecided):
                Loop(nobody(), "k").check_json("t", text)

    def test_a_server_that_never_answers_is_a_no_in_time(self):
        import socket

        with socket.create_server(("127.0.0.1", 0)) as silent, self.assertRaises(Undecided):
            Loop(f"http://127.0.0.1:{silent.getsockname()[1]}", "k", timeout=0.05).check("t", {})

    def test_what_cannot_be_meant_is_refused_at_once(self):
        for url in ("ftp://a", "http://user:secret@a", "http://a?x=1", "nonsense"):
            with self.assertRaises(ValueError) as refusal:
                Loop(url, "k")
            self.assertNotIn("secret", str(refusal.exception))
        with self.assertRaises(ValueError):
            Loop("http://a", "")
