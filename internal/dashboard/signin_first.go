package dashboard

import (
	"net/http"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/message"
)

// firstUserPage is the form that creates the first user.
type firstUserPage struct {
	Name, Message string
	MinPassword   int
}

// enterFirstRun signs the operator in with the link that the first start prints.
func (d *Dashboard) enterFirstRun(w http.ResponseWriter, r *http.Request) {
	if _, err := d.identity.RedeemFirstRun(w, r, r.PathValue("token")); err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/first-user", http.StatusSeeOther)
}

func (d *Dashboard) showFirstUser(w http.ResponseWriter, r *http.Request) {
	d.plain(w, r, http.StatusOK, "firstuser", "signin.first_title", firstUserPage{MinPassword: identity.MinPassword})
}

// createFirstUser creates a user who owns everything, and signs the operator in as that user.
func (d *Dashboard) createFirstUser(w http.ResponseWriter, r *http.Request) {
	who, _ := identity.FromContext(r.Context())
	if who.Kind != identity.KindFirstRun {
		d.fail(w, r, peal.Fail(peal.Forbidden, message.UsersExist))
		return
	}
	name, password := r.PostFormValue("name"), r.PostFormValue("password")
	var user peal.User
	err := identity.CheckPassword(name, password)
	if err == nil {
		user, err = d.identity.CreateUser(r.Context(), identity.NewUser{Name: name, Password: password, Role: peal.RoleOwner})
	}
	if err == nil {
		err = d.identity.Record(r, who, identity.Entry{Action: "user.create", Target: user.ID.String(), Detail: "owner of everything"})
	}
	if err == nil {
		err = d.identity.LogOut(w, r)
	}
	if err == nil {
		_, err = d.identity.LogIn(w, r, name, password)
	}
	if err != nil {
		status, message := d.explain(w, r, d.pages.language(r, ""), err)
		d.plain(w, r, status, "firstuser", "signin.first_title", firstUserPage{Name: name, Message: message, MinPassword: identity.MinPassword})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
