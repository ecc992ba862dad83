// SPDX-License-Identifier: GPL-2.0
/* sandbox.c: see sandbox.h. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

#define err_set(err, ...) (snprintf((err)->text, sizeof((err)->text), __VA_ARGS__), false)

static const struct passwd *find_user(const char *user, struct config_error *err)
{
	const struct passwd *pw = getpwnam(user);

	if (!pw)
		snprintf(err->text, sizeof(err->text), "user %s: there is none of that name", user);
	return pw;
}

/* Those above it that aren't there are root's, and for all to pass. */
static bool make_folder(const char *dir, mode_t mode)
{
	char *copy;
	bool ok;

	if (!mkdir(dir, mode))
		return true;
	copy = errno == ENOENT ? strdup(dir) : NULL;
	if (!copy)
		return false;
	ok = (make_folder(dirname(copy), 0755) || errno == EEXIST) && !mkdir(dir, mode);
	free(copy);
	return ok;
}

bool sandbox_folder(const char *file, const char *user, struct config_error *err)
{
	char *copy = strdup(file), *dir;
	bool ok = true, made;
	mode_t mask;
	int fd;

	if (!copy)
		return err_set(err, "no memory");
	dir = dirname(copy);
	mask = umask(022);	/* an administrator's may be 077 */
	made = make_folder(dir, 0750);
	umask(mask);
	if (made) {
		/* what we have made, and not what somebody has put into its place */
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		ok = fd >= 0 ? sandbox_give(fd, dir, user, err) :
			       err_set(err, "%s: %s", dir, strerror(errno));
		if (fd >= 0)
			close(fd);
	} else if (errno != EEXIST) {
		ok = err_set(err, "%s: %s", dir, strerror(errno));
	}
	free(copy);
	return ok;
}

bool sandbox_give(int fd, const char *file, const char *user, struct config_error *err)
{
	const struct passwd *pw;

	if (!user || geteuid())
		return true;
	pw = find_user(user, err);
	if (!pw)
		return false;
	return !fchown(fd, pw->pw_uid, pw->pw_gid) ||
	       err_set(err, "%s: %s", file, strerror(errno));
}

static bool drop(const char *user, struct config_error *err)
{
	const struct passwd *pw = user ? find_user(user, err) : NULL;
	uid_t uid = pw ? pw->pw_uid : 0;
	gid_t gid = pw ? pw->pw_gid : 0;
	int ret;

	if (user && !pw)
		return false;
	capng_clear(CAPNG_SELECT_BOTH);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (uid)
		ret = capng_change_id(uid, gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	else
		ret = capng_apply(CAPNG_SELECT_BOTH);
	return !ret || err_set(err, "capabilities can't be dropped (%d)", ret);
}

/*
 * Files of the store, sockets and netlink, memory, time; nothing that starts a
 * program. What is in neither list fails with EPERM rather than killing us: a new
 * libc may try a newer call first.
 */
static const int calls[] = {
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(access), SCMP_SYS(bind), SCMP_SYS(brk),
	SCMP_SYS(clock_gettime), SCMP_SYS(close), SCMP_SYS(connect), SCMP_SYS(dup),
	SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fcntl),
	SCMP_SYS(fdatasync), SCMP_SYS(flock), SCMP_SYS(fstat), SCMP_SYS(fsync),
	SCMP_SYS(ftruncate), SCMP_SYS(futex), SCMP_SYS(getegid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getpeername), SCMP_SYS(getpid), SCMP_SYS(getrandom),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(gettid), SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid), SCMP_SYS(ioctl), SCMP_SYS(listen), SCMP_SYS(lseek), SCMP_SYS(madvise),
	SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(munmap),
	SCMP_SYS(newfstatat), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(pipe2), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(pread64), SCMP_SYS(pselect6), SCMP_SYS(read), SCMP_SYS(readv),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg), SCMP_SYS(recvmsg), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown), SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(time),
	SCMP_SYS(tgkill), SCMP_SYS(uname), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(_llseek),
	SCMP_SYS(clock_gettime64), SCMP_SYS(futex_time64), SCMP_SYS(fcntl64), SCMP_SYS(fstat64),
	SCMP_SYS(mmap2), SCMP_SYS(send), SCMP_SYS(recv), SCMP_SYS(rseq), SCMP_SYS(statx),
};

/* We never call these, whatever the libc: who does has taken us over. */
static const int deadly[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid),
	SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups),
	SCMP_SYS(capset), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(keyctl), SCMP_SYS(add_key),
};

static bool filter(struct config_error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int ret = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < sizeof(calls) / sizeof(*calls); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	for (size_t i = 0; !ret && i < sizeof(deadly) / sizeof(*deadly); i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	if (!ret)
		ret = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	/* Kernels without it (user-mode Linux) are no reason to stay away. */
	if (ret == -EINVAL || ret == -ENOSYS || ret == -ECANCELED)
		return true;
	return !ret || err_set(err, "no filter of system calls: %s", strerror(-ret));
}

bool sandbox_enter(const char *user, struct config_error *err)
{
	if (!geteuid() && !drop(user, err))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(err, "no_new_privs: %s", strerror(errno));
	return filter(err);
}
